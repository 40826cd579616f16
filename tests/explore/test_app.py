"""Each route over a real index, what is refused, and that nothing is written."""

from dataclasses import replace

import pytest
from opensearchpy import OpenSearch
from starlette.testclient import TestClient

from splare_os.explore import NotingTransport, Place, make_app
from splare_os.search import Hybrid, SearchOptions, search

from .conftest import Ask

pytestmark = pytest.mark.opensearch

READS = {"_search", "_msearch", "_mget", "_mapping", "_count", "_field_caps"}


def test_columns_are_the_hits_of_each_system(ask: Ask, place: Place) -> None:
    status, found = ask("search", query="oil prices")
    assert status == 200
    columns = found["columns"]
    assert [hit["id"] for hit in columns["bm25"]["hits"]] == ["oil", "river"]
    for name, hybrid in (("latents", None), ("hybrid", Hybrid())):
        options = SearchOptions(hybrid=hybrid)
        plain = search(place.client, place.encoder, "explored", "oil prices", options)
        told = [(hit["id"], hit["score"]) for hit in columns[name]["hits"]]
        assert told == [(hit.id, pytest.approx(hit.score)) for hit in plain]
    assert columns["bm25"]["hits"][0]["title"] == "Oil crisis"
    fragment = columns["bm25"]["hits"][0]["fragments"][0]
    assert ["oil", True] in fragment
    assert all(len(column["requests"]) for column in columns.values())


def test_the_querys_latents_are_those_that_score(ask: Ask, place: Place) -> None:
    _, found = ask("search", query="oil prices", systems=["latents"])
    assert list(found["columns"]) == ["latents"]
    assert {one["word"] for one in found["latents"]} == {"oil", "prices"}
    assert sum(one["share"] for one in found["latents"]) == pytest.approx(1)


def test_a_muted_latent_finds_nothing_and_an_added_one_does(ask: Ask) -> None:
    _, found = ask("search", query="yeast", systems=["latents"])
    (latent,) = [one["latent"] for one in found["latents"]]
    assert [hit["id"] for hit in found["columns"]["latents"]["hits"]] == ["bread"]
    for steer, query, ids in ((f"-{latent}", "yeast", []), (f"+{latent}", "", ["bread"])):
        _, steered = ask("search", query=query, systems=["latents"], steer=steer)
        assert [hit["id"] for hit in steered["columns"]["latents"]["hits"]] == ids


def test_more_like_a_document_finds_its_kin_and_not_itself(ask: Ask) -> None:
    _, found = ask("search", like=["oil"], systems=["latents"])
    assert [hit["id"] for hit in found["columns"]["latents"]["hits"]][0] == "river"
    _, bread = ask("search", query="yeast", like=["oil"], unlike=["river"], systems=["latents"])
    assert "oil" not in [hit["id"] for hit in bread["columns"]["latents"]["hits"]]


def test_an_explanation_names_words_and_shares(ask: Ask) -> None:
    _, found = ask("explain", query="oil prices", ids=["oil", "river", "bread"])
    assert found["documents"].keys() == {"oil", "river"}
    oil = found["documents"]["oil"]
    assert {one["document_text"] for one in oil["matches"]} == {"oil", "prices"}
    assert sum(one["share"] for one in oil["matches"]) == pytest.approx(1)
    assert any(mark for pieces in oil["fragments"] for _, mark in pieces)


def test_what_is_shared_is_told_without_encoding_a_document(
    ask: Ask, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = {"query": "oil rises", "ids": ["oil", "river", "bread"]}
    _, full = ask("explain", **question)
    monkeypatch.setattr(place.encoder, "some_spans", None)  # nobody may ask
    _, found = ask("explain", **question, places=False)
    told = ("latent", "share", "query_text", "label")
    for name, one in found["documents"].items():
        assert one["fragments"] == []
        assert not one["has_places"]
        assert {match["document_text"] for match in one["matches"]} == {""}
        for match, known in zip(one["matches"], full["documents"][name]["matches"], strict=True):
            assert [match[key] for key in told] == [known[key] for key in told]


def test_a_text_that_is_too_long_is_explained_without_places(ask: Ask) -> None:
    _, found = ask("explain", query="water", ids=["long", "river"])
    assert not found["documents"]["long"]["has_places"]
    assert found["documents"]["long"]["matches"][0]["share"] == 1
    assert found["documents"]["river"]["has_places"]


@pytest.mark.parametrize(
    ("route", "question", "status", "reason"),
    [
        ("search", {"query": "a" * 2001}, 422, "at most 2000 characters"),
        ("search", {"query": 7}, 422, "valid string"),
        ("search", {"query": "a", "index": "others"}, 422, "not permitted"),
        ("search", {"query": "a", "size": 31}, 422, "less than or equal to 30"),
        ("search", {"query": "a", "systems": ["splade"]}, 422, "'bm25'"),
        ("search", {"query": "a", "steer": "much"}, 422, "write N=F"),
        ("search", {"query": "a", "steer": "1=99999"}, 422, "from 0.001 to 1000"),
        (
            "search",
            {"query": "a", "steer": ",".join(f"-{n}" for n in range(65))},
            422,
            "at most 64",
        ),
        ("search", {"query": "a", "steer": "-65536"}, 422, "latents 0 to 65535"),
        ("search", {"query": "a", "like": ["nobody"]}, 409, "no document 'nobody'"),
        ("search", {"query": "a", "like": ["a"] * 17}, 422, "at most 16 items"),
        ("explain", {"query": "a", "ids": ["a"] * 31}, 422, "at most 30 items"),
        ("latent", {"latent": 65_536}, 422, "latents 0 to 65535"),
        ("latent", {"latent": -1}, 422, "greater than or equal to 0"),
        ("latent", {"latent": "1"}, 422, "valid integer"),
        ("latents", {"text": ""}, 422, "at least 1 character"),
        ("document", {"id": "nobody"}, 404, "no document 'nobody'"),
        ("document", {"id": "a" * 513}, 422, "at most 512 characters"),
        ("compare", {"kind": "documents", "a": "oil", "b": "nobody"}, 404, "no document 'nobody'"),
        ("compare", {"kind": "lakes", "a": "oil", "b": "oil"}, 422, "'queries' or 'documents'"),
        ("delete", {"id": "oil"}, 404, "Not Found"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(
    ask: Ask, route: str, question: dict[str, object], status: int, reason: str
) -> None:
    told, content = ask(route, **question)
    assert (told, reason in content["error"]) == (status, True), content


def test_whatever_is_asked_the_cluster_is_only_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    send = NotingTransport.perform_request

    def noting(self: NotingTransport, method: str, url: str, **rest: object) -> object:
        sent.append(url.rpartition("/")[2])
        return send(self, method, url, **rest)

    monkeypatch.setattr(NotingTransport, "perform_request", noting)
    questions = {
        "about": {},
        "search": {"query": "oil", "like": ["oil"]},
        "explain": {"query": "oil", "ids": ["oil"]},
        "document": {"id": "oil", "query": "oil"},
        "latent": {"latent": 3},
        "latents": {"text": "oil"},
        "compare": {"kind": "documents", "a": "oil", "b": "river"},
    }
    app = make_app(place, host="127.0.0.1")
    with TestClient(app, base_url="http://127.0.0.1") as browser:
        for route, question in questions.items():
            assert browser.post(f"/api/{route}", json=question).status_code == 200, route
    assert set(sent) == READS


def test_a_body_is_json_and_short(place: Place) -> None:
    with TestClient(make_app(place, host="127.0.0.1"), base_url="http://127.0.0.1") as browser:
        assert browser.get("/api/search").status_code == 405
        assert browser.post("/api/search", content=b"{}").status_code == 415
        json = {"content-type": "application/json"}
        assert browser.post("/api/search", content=b"{", headers=json).status_code == 400
        large = b'{"query": "' + b"a" * 70_000 + b'"}'
        assert browser.post("/api/search", content=large, headers=json).status_code == 413


def test_a_token_is_needed_where_others_reach_it(place: Place) -> None:
    with pytest.raises(ValueError, match="Give a token"):
        make_app(place, host="0.0.0.0")
    app = make_app(place, host="0.0.0.0", token="s3cret", names=["search.example"])
    with TestClient(app, base_url="http://search.example") as browser:
        assert browser.get("/").status_code == 200  # the page itself holds nothing
        assert browser.post("/api/about", json={}).status_code == 401
        wrong = {"authorization": "Bearer s3crets"}
        assert browser.post("/api/about", json={}, headers=wrong).status_code == 401
        right = {"authorization": "Bearer s3cret"}
        assert browser.post("/api/about", json={}, headers=right).json()["documents"] == 4
        assert browser.post("/api/about?token=s3cret", json={}).status_code == 401


def test_a_cluster_that_is_gone_is_told(place: Place) -> None:
    with OpenSearch("http://127.0.0.1:1", max_retries=0) as nobody:
        app = make_app(replace(place, client=nobody), host="127.0.0.1")
        with TestClient(app, base_url="http://127.0.0.1") as browser:
            reply = browser.post("/api/search", json={"query": "oil"})
    assert (reply.status_code, reply.json()["error_type"]) == (502, "Backend")
