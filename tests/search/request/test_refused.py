"""One search of several that is refused leaves the others alone, as on a server."""

import json
from typing import Any

import pytest
from opensearchpy import OpenSearch
from opensearchpy.exceptions import AuthorizationException, TransportError
from opensearchpy.helpers.search import MultiSearch, Search

from splare_os.encoder import Encoder
from splare_os.errors import MappingError, ModelMismatchError
from splare_os.search import SplareOpenSearch
from splare_os.search.request.refused import error_reply, is_error
from tests.connection.gateway import Gateway

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
    assert is_error({"status": 404})
    assert not is_error({"status": 200, "hits": {}})


OF_GATEWAYS = [
    {"Message": "not you"},
    {"message": "no", "status": "403"},
    {"error": "no", "status": 403},
    {"error": {"reason": "not you"}, "status": 403},
    "<h1>not you</h1>",
]
"""What gateways say in place of a server."""


class Refusing(Gateway):
    """Refuses to tell mappings, with a status and a body of its own."""

    refusal = 403, "{}"

    def answer(self, handler: Any, body: bytes) -> tuple[int, str, bytes]:
        if "/_mapping" not in handler.path or "secret" not in handler.path:
            return super().answer(handler, body)
        status, told = self.refusal
        return status, "application/json", told.encode()


@pytest.mark.opensearch
@pytest.mark.parametrize("told", OF_GATEWAYS, ids=str)
@pytest.mark.parametrize("status", [400, 403])
def test_what_a_gateway_refuses_has_its_status_in_the_shape_of_a_servers(
    cluster_url: str, encoder: Encoder, library: Library, status: int, told: Any
) -> None:
    with Refusing(cluster_url, lambda *_: True) as gateway:
        gateway.refusal = status, told if isinstance(told, str) else json.dumps(told)
        with SplareOpenSearch(gateway.url, encoder=encoder) as splare:
            lines = several({"index": "secret", **BODY})
            first, second, _ = splare.msearch(body=lines)["responses"]
            several_searches = MultiSearch(using=splare, index="secret").add(Search.from_dict(BODY))
            with pytest.raises(TransportError, match="(authorization|request)_"):
                several_searches.execute()
    assert first["hits"]["hits"]
    assert (second["status"], second["error"]["root_cause"][0]["type"]) == (
        status,
        {400: "request_error", 403: "authorization_exception"}[status],
    )
    assert str(status) in second["error"]["reason"]


def test_an_error_that_lacks_its_status_gets_it() -> None:
    info = {"error": {"type": "security_exception", "reason": "no"}}
    told = error_reply(AuthorizationException(403, "security_exception", info))
    assert told == {**info, "status": 403}


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
