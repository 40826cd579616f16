import pytest

from splare_os.explore.place import Place
from splare_os.explore.reading import PART

from .conftest import DOCUMENTS, Ask

pytestmark = pytest.mark.opensearch


def test_a_document_is_read_with_what_matched_marked(ask: Ask) -> None:
    _, found = ask("document", id="oil", query="embargo")
    assert "".join(text for text, _ in found["pieces"]) == f"Oil crisis {DOCUMENTS[0]['text']}"
    assert [text for text, is_marked in found["pieces"] if is_marked] == ["embargo"]
    assert found["title"] == "Oil crisis"
    assert found["next"] is None
    assert found["has_places"]


def test_other_fields_are_told_and_impacts_are_not(ask: Ask) -> None:
    _, found = ask("document", id="bread")
    assert found["fields"] == {"pages": "[1,2]"}
    assert not found["has_places"]


def test_a_long_text_comes_in_parts(ask: Ask) -> None:
    parts, start = [], 0
    while start is not None:
        _, found = ask("document", id="long", query="water", start=start)
        parts.append("".join(text for text, _ in found["pieces"]))
        start = found["next"]
    assert "".join(parts) == f"Long {DOCUMENTS[3]['text']}"
    assert [len(one) for one in parts] == [PART, PART, PART, 60_012 - 3 * PART]
    assert ask("document", id="long", start=10**9)[1]["pieces"] == []


STRANGE = r"""{
    "title": "Half a pair", "text": "embargo \udc00 of others", "half": "\ud83d",
    "title_splare": {"latents": ["7"]}, "empty": {},
    "people": [{"name": "Ann", "age": 3}, {"name": "Bob"}], "deep": {"er": {"n": 1}}
}"""


def test_what_others_have_written_is_read(place: Place, ask: Ask) -> None:
    # JSON may hold half of a surrogate pair, which UTF-8 may not
    path = f"/{place.index}/_doc/strange"
    place.client.transport.perform_request("PUT", f"{path}?refresh=true", body=STRANGE)
    try:
        status, found = ask("search", query="embargo", systems=["bm25"])
        assert status == 200
        assert "strange" in {hit["id"] for hit in found["columns"]["bm25"]["hits"]}
        status, found = ask("document", id="strange", query="embargo")
        assert status == 200
        assert found["fields"] == {
            "half": "\ud83d",
            "title_splare.latents": '["7"]',
            "empty": "{}",
            "people.name": '["Ann","Bob"]',
            "people.age": "3",
            "deep.er.n": "1",
        }
    finally:
        place.client.transport.perform_request("DELETE", f"{path}?refresh=true")
