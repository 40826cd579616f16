import pytest

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
