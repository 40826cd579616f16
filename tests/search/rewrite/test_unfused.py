from typing import Any

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import ReplyError
from splare_os.search import SplareOpenSearch, hybrid
from splare_os.search.request.rewritten import as_it_is
from splare_os.search.rewrite.unfused import MARK, fused, is_hybrid, refuse_untold

from ..conftest import Library

BODY = hybrid({"match": {"text": "oil"}}, "the oil embargo")


def reply(*scores: float | None) -> dict[str, Any]:
    return {"hits": {"hits": [{"_id": str(n), "_score": one} for n, one in enumerate(scores)]}}


@pytest.mark.parametrize("other", [reply(0.5, None, -3.0), reply(), {"error": {}}, "text"])
def test_rankings_pass(other: object) -> None:
    assert fused(as_it_is, [True])(other) is other
    several = {"responses": [other, reply(1.0)]}
    assert fused(as_it_is, [True, True])(several) is several


def test_lists_that_are_marked_do_not() -> None:
    marked, ranking = reply(-4422440593.97, 0.5), reply(1.0)
    with pytest.raises(ReplyError, match="search_pipeline"):
        fused(as_it_is, [True])(marked)
    both = {"took": 1, "responses": [ranking, marked]}
    first, second = fused(as_it_is, [True, True])(both)["responses"]
    assert first is ranking
    assert (second["error"]["type"], second["status"]) == ("reply_error", 400)
    assert "search_pipeline" in second["error"]["reason"]
    assert fused(as_it_is, [True, False])(both) is both
    assert fused(as_it_is, [True, True, True])(both) is both  # filter_path left one out


def test_a_hybrid_stands_at_the_top() -> None:
    assert is_hybrid(BODY)
    assert not is_hybrid({"query": {"match": {"hybrid": "x"}}})
    assert not is_hybrid({})


@pytest.mark.parametrize(
    ("body", "params"),
    [
        ({"sort": "n"}, {}),
        ({}, {"sort": "n"}),
        ({}, {"filter_path": "took"}),
        ({"from": 2}, {}),
        ({}, {"from": b"2"}),
    ],
)
def test_a_reply_that_tells_nothing_is_not_asked_for(body: Any, params: Any) -> None:
    whole = {"query": BODY["query"]} | body
    with pytest.raises(ValueError, match="name one in the request"):
        refuse_untold(whole, params)
    refuse_untold(whole | {"search_pipeline": "own"}, params)
    refuse_untold(whole, params | {"search_pipeline": "own"})
    refuse_untold({"query": {"match_all": {}}} | body, params)
    refuse_untold(whole | {"sort": None, "from": 0}, {"from": "0"})


@pytest.mark.opensearch
def test_a_server_without_a_pipeline_is_noticed(splare: SplareOpenSearch, library: Library) -> None:
    assert splare.search(index="library", body=BODY)["hits"]["hits"]
    with pytest.raises(ReplyError, match="one after another"):
        splare.search(index="library", body={"query": BODY["query"]})
    for name in ("hits.hits._id", "hits"):
        with pytest.raises(ValueError, match="filter_path"):
            splare.search(index="library", body={"query": BODY["query"]}, filter_path=name)


@pytest.mark.opensearch
def test_an_applications_own_hybrid_gets_what_the_server_says(
    splare: SplareOpenSearch, client: OpenSearch, library: Library
) -> None:
    words = [{"match": {"text": word}} for word in ("oil", "embargo")]
    body = {"query": {"hybrid": {"queries": words}}, "_source": False}
    ours, theirs = (one.search(index="library", body=body)["hits"] for one in (splare, client))
    assert min(hit["_score"] for hit in theirs["hits"]) < MARK
    assert ours == theirs
    lines = [{"index": "library"}, body, {"index": "library"}, {"query": BODY["query"]}]
    own, refused = splare.msearch(body=lines)["responses"]
    assert own["hits"] == theirs
    assert "one after another" in refused["error"]["reason"]
