"""One search of several that is refused leaves the others alone, as on a server."""

import json
from typing import Any

import pytest
from opensearchpy import OpenSearch
from opensearchpy.exceptions import AuthorizationException, TransportError
from opensearchpy.helpers.search import MultiSearch, Search

from splare_os.errors import MappingError, ModelMismatchError
from splare_os.search import SplareOpenSearch
from splare_os.search.request.refused import error_reply, is_error

from ..asynchronous import Run
from ..conftest import Library
from ..ways import BODY, CLAUSE

Lines = list[dict[str, Any]]

ODD: dict[str, tuple[dict[str, Any], str, str]] = {
    "malformed": ({"query": {"splare": {"text": 7}}}, "value_error", "query must be a string"),
    "without a min_score": ({"post_filter": CLAUSE}, "value_error", "give it a min_score"),
    "without impacts": ({"query": {"splare": {"no": "oil"}}}, "mapping_error", "no impacts field"),
    "of what is not there": (
        {"query": {"splare": {"text": {"like": {"_id": "nobody"}}}}},
        "steering_error",
        "nobody",
    ),
    "no hybrid": (
        {"query": {"hybrid": {"queries": [CLAUSE, {"match": {"text": "oil"}}]}}},
        "reply_error",
        "search_pipeline",
    ),
    "of another cluster": ({"index": "other:library", **BODY}, "mapping_error", "another cluster"),
}


def several(odd: dict[str, Any]) -> Lines:
    """Return the lines of three searches, of which the second is odd."""
    header = {"index": odd.get("index", "library")}
    body = {key: part for key, part in odd.items() if key != "index"}
    return [{"index": "library"}, BODY, header, body, {"index": "library"}, {"size": 1}]


def test_an_error_is_told_as_a_server_does() -> None:
    told = {"type": "model_mismatch_error", "reason": "of another"}
    expected = {"error": {"root_cause": [told], **told}, "status": 400}
    assert error_reply(ModelMismatchError("of another")) == expected
    assert is_error(expected)
    of_a_gateway = error_reply(AuthorizationException(403, "no", {"Message": "not you"}))
    assert of_a_gateway["error"]["type"] == "authorization_exception"
    assert is_error({"status": 404})
    assert not is_error({"status": 200, "hits": {}})


@pytest.mark.opensearch
def test_a_server_tells_errors_of_one_search_alone(client: OpenSearch, library: Library) -> None:
    lines = [{"index": "nowhere"}, {"size": 1}, {"index": library.index}, {"size": 1}]
    lost, found = client.msearch(body=lines)["responses"]
    assert lost.keys() == error_reply(ValueError("no")).keys()
    assert {"root_cause", "type", "reason"} <= lost["error"].keys()
    assert found["hits"]["hits"]


@pytest.mark.opensearch
@pytest.mark.parametrize(("odd", "kind", "told"), ODD.values(), ids=ODD)
def test_one_search_that_is_refused_is_an_error_among_replies(
    splare: SplareOpenSearch, run: Run, library: Library, odd: dict[str, Any], kind: str, told: str
) -> None:
    alone = splare.search(index=library.index, body=BODY)

    def check(reply: dict[str, Any]) -> None:
        first, second, third = reply["responses"]
        assert first["hits"] == alone["hits"]
        assert (second["error"]["type"], second["status"]) == (kind, 400)
        assert told in second["error"]["reason"]
        assert len(third["hits"]["hits"]) == 1

    async def asked(client: Any) -> None:
        check(await client.msearch(body=several(odd)))

    check(splare.msearch(body=several(odd)))
    run(asked)


@pytest.mark.opensearch
def test_an_index_that_may_not_be_looked_at_fails_its_own_search_as_the_server_says(
    splare: SplareOpenSearch, client: OpenSearch, library: Library, index: str
) -> None:
    client.indices.create(index=index, body={"settings": {"blocks.metadata": True}})
    with pytest.raises(AuthorizationException) as refused:
        splare.search(index=index, body=BODY)
    first, second, third = splare.msearch(body=several({"index": index, **BODY}))["responses"]
    assert second == refused.value.info
    assert (second["status"], second["error"]["type"]) == (403, "cluster_block_exception")
    assert first["hits"]["hits"]
    assert len(third["hits"]["hits"]) == 1
    with pytest.raises(AuthorizationException):
        splare.msearch(body=several({"index": index, **BODY}), filter_path="responses.hits")
    client.indices.put_settings(index=index, body={"index.blocks.metadata": False})


@pytest.mark.opensearch
def test_a_name_that_no_index_may_have_fails_its_own_search_as_on_a_server(
    splare: SplareOpenSearch, client: OpenSearch, library: Library
) -> None:
    plain = [{"index": "_x"}, {"size": 1}, {"index": library.index}, {"size": 1}]
    theirs, _ = client.msearch(body=plain)["responses"]
    _, ours, _ = splare.msearch(body=several({"index": "_x", **BODY}))["responses"]
    assert (ours["status"], ours["error"]["type"]) == (theirs["status"], theirs["error"]["type"])


@pytest.mark.opensearch
def test_the_query_builder_raises_such_an_error(splare: SplareOpenSearch, library: Library) -> None:
    both = MultiSearch(using=splare, index=library.index)
    both = both.add(Search().query("splare", text="oil")).add(Search().query("splare", no="oil"))
    with pytest.raises(TransportError, match="mapping_error"):
        both.execute()
    found, lost = both.execute(raise_on_error=False)
    assert found.hits
    assert lost is None


@pytest.mark.opensearch
def test_where_answers_have_no_place_the_error_is_raised(
    splare: SplareOpenSearch, library: Library
) -> None:
    lines = several(ODD["without impacts"][0])
    with pytest.raises(MappingError, match="no impacts field"):
        splare.msearch(body=lines, filter_path="responses.hits.hits._id")
    reply = splare.msearch(body=lines, filter_path="-responses.took")
    assert [is_error(one) for one in reply["responses"]] == [False, True, False]


@pytest.mark.opensearch
def test_a_reply_that_is_one_error_stays_so(splare: SplareOpenSearch, library: Library) -> None:
    lines = [*several(ODD["malformed"][0]), {}, {"query": {"no_such": {}}}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    reply = splare.msearch(body=text, index=library.index, params={"ignore": 400})
    assert "no_such" in reply["error"]["reason"]
