from typing import Any

import pytest
from opensearchpy import OpenSearch

from splare_os.search import SplareOpenSearch
from splare_os.search.query import steps

from ..conftest import Library

pytestmark = pytest.mark.opensearch

QUERY = "the oil embargo of the war"
CLAUSE = {"splare": {"text": QUERY}}
TWO = {"ext": {"splare": {"two_step": {"window": 60, "part": 0.5}}}}


@pytest.fixture
def always_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps are made of searches of a small index too, their first pass of few latents."""
    monkeypatch.setattr(steps, "PAYS_FROM", 0)
    monkeypatch.setattr(steps, "FEWEST", 2)


def profiled(client: OpenSearch, body: dict[str, Any]) -> dict[str, Any]:
    reply: dict[str, Any] = client.search(index="library", body=TWO | {"profile": True} | body)
    return reply


@pytest.mark.usefixtures("always_pays")
@pytest.mark.parametrize("boost", [1.0, 2.5])
def test_what_two_steps_find_has_its_exact_score(
    splare: SplareOpenSearch, library: Library, boost: float
) -> None:
    clause = {"splare": {"text": {"query": QUERY, "boost": boost, "_name": "latents"}}}
    reply = profiled(splare, {"query": clause, "size": 60})
    told = reply["profile"]["splare"]
    assert told["route"] == "two-step"
    assert 2 <= told["first_pass_latents"] < told["latents"]
    assert 0 < told["first_pass_postings"] < told["postings"]
    scores, hits = library.scores(QUERY), reply["hits"]["hits"]
    assert len(hits) > 20
    assert {hit["_id"]: hit["_score"] for hit in hits} == pytest.approx(
        {hit["_id"]: boost * scores[hit["_id"]] for hit in hits}, rel=1e-5
    )
    assert all(hit["matched_queries"] == ["latents"] for hit in hits)


@pytest.mark.usefixtures("always_pays")
def test_filters_examples_and_explanations_go_with_two_steps(
    splare: SplareOpenSearch, library: Library
) -> None:
    wanted = sorted(library.scores(QUERY))[:9]
    clause = {"splare": {"text": {"query": QUERY, "unlike": {"_id": wanted[0]}, "mass": 0.9}}}
    query = {"bool": {"must": [clause], "filter": [{"ids": {"values": wanted}}]}}
    ext = {"splare": {"explain": True, "two_step": {"part": 0.5}}}
    both = profiled(splare, {"query": query, "ext": ext, "size": 60})
    assert both["profile"]["splare"]["route"] == "two-step"
    exact = splare.search(index="library", body={"query": query, "size": 60})
    scores = {hit["_id"]: hit["_score"] for hit in exact["hits"]["hits"]}
    for hit in both["hits"]["hits"]:
        (explained,) = hit["splare"]
        assert hit["_score"] == pytest.approx(scores[hit["_id"]], rel=1e-5)
        assert explained["score"] == pytest.approx(hit["_score"], rel=1e-5)


@pytest.mark.usefixtures("always_pays")
def test_each_search_of_several_is_made_into_steps_by_itself(
    splare: SplareOpenSearch, library: Library
) -> None:
    lines = [{"index": "library"}, {"query": CLAUSE, "profile": True} | TWO]
    lines += [{"index": "library"}, {"query": CLAUSE, "profile": True}]
    first, second = splare.msearch(body=lines)["responses"]
    assert first["profile"]["splare"]["route"] == "two-step"
    assert "splare" not in second["profile"]


@pytest.mark.usefixtures("always_pays")
def test_the_page_that_is_asked_for_lies_within_the_window(
    splare: SplareOpenSearch, library: Library
) -> None:
    narrow = {"ext": {"splare": {"two_step": {"window": 1, "part": 0.5}}}}
    reply = profiled(splare, {"query": CLAUSE, "from": 5, "size": 10} | narrow)
    assert reply["profile"]["splare"]["window"] == 15
    scores = library.scores(QUERY)
    for hit in reply["hits"]["hits"]:
        assert hit["_score"] == pytest.approx(scores[hit["_id"]], rel=1e-5)


@pytest.mark.usefixtures("always_pays")
def test_so_does_one_that_parameters_ask_for(splare: SplareOpenSearch, library: Library) -> None:
    narrow = {"ext": {"splare": {"two_step": {"window": 1, "part": 0.5}}}, "profile": True}
    asked = {"query": CLAUSE, "size": 1} | narrow
    reply = splare.search(index="library", body=asked, size=10, from_=5)
    assert reply["profile"]["splare"]["window"] == 15
    scores = library.scores(QUERY)
    assert len(reply["hits"]["hits"]) == 10
    for hit in reply["hits"]["hits"]:
        assert hit["_score"] == pytest.approx(scores[hit["_id"]], rel=1e-5)


def test_a_small_index_is_searched_exactly_in_one_step(
    splare: SplareOpenSearch, library: Library
) -> None:
    reply = profiled(splare, {"query": CLAUSE, "size": 60})
    told = reply["profile"]["splare"]
    assert told["route"] == "exact"
    assert told["first_pass_postings"] == told["postings"] > 0
    found = {hit["_id"]: hit["_score"] for hit in reply["hits"]["hits"]}
    assert found == pytest.approx(library.scores(QUERY), rel=1e-5)


@pytest.mark.parametrize("dialect", ["rank_feature", "neural_sparse"])
@pytest.mark.parametrize("query", ["", "  \n"])
def test_a_text_without_words_finds_nothing(
    cluster_url: str, library: Library, dialect: Any, query: str
) -> None:
    with SplareOpenSearch(cluster_url, encoder=library.encoder, dialect=dialect) as client:
        reply = client.search(index="library", body={"query": {"splare": {"text": query}}})
    assert (reply["hits"]["hits"], reply["hits"]["total"]["value"]) == ([], 0)


@pytest.mark.parametrize("dialect", ["rank_feature", "neural_sparse"])
def test_latents_that_no_document_shows_find_nothing(
    cluster_url: str, library: Library, dialect: Any
) -> None:
    shown = library.encoder.encode_documents(list(library.texts.values())).indices
    unknown = min(set(range(library.encoder.n_latents)) - set(shown.tolist()))
    clause = {"query": "", "steer": {"add": {str(unknown): 1.0}}}
    with SplareOpenSearch(cluster_url, encoder=library.encoder, dialect=dialect) as client:
        reply = client.search(index="library", body={"query": {"splare": {"text": clause}}})
    assert (reply["hits"]["hits"], reply["hits"]["total"]["value"]) == ([], 0)


def test_ten_thousand_words_are_searched_by_all_that_they_show(
    splare: SplareOpenSearch, library: Library
) -> None:
    query = "the oil embargo of the war " * 1667
    body = {"query": {"splare": {"text": query}}, "size": 60}
    hits = splare.search(index="library", body=body)["hits"]["hits"]
    found = {hit["_id"]: hit["_score"] for hit in hits}
    assert found == pytest.approx(library.scores(query), rel=1e-5)
    assert len(found) > 20
