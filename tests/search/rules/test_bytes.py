"""All that no rule is about goes over the wire as opensearch-py itself sends it, to the byte."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from opensearchpy import OpenSearch, Q, Search, Urllib3HttpConnection, helpers
from opensearchpy.exceptions import OpenSearchException

from splare_os.search import SplareOpenSearch
from splare_os.search.rules import Rules

from .conftest import INDEX, Synonyms, rule

pytestmark = pytest.mark.opensearch

OTHER = "not-the-shop"
MATCH = {"query": {"match": {"text": "oil"}}}
LINES = '{"index" : "not-the-shop"}\n{"query":  {"match_all" : {} } }\n\n{"size":0}\n'

Call = Callable[[OpenSearch], object]

CALLS: dict[str, Call] = {
    "search": lambda client: client.search(index=OTHER, body=MATCH, params={"size": 3}),
    "search with _source": lambda client: client.search(index=OTHER, body={"_source": ["a"]}),
    "search as text": lambda client: client.search(
        index=OTHER, body='{ "query":{"match_all":{ }} }'
    ),
    "search as bytes": lambda client: client.search(index=OTHER, body=b'{"size" :  1 }'),
    "search with numpy": lambda client: client.search(index=OTHER, body={"size": np.int64(2)}),
    "search of no JSON": lambda client: client.search(index=OTHER, body="{nonsense"),
    "search with Q": lambda client: client.search(
        index=OTHER, body={"query": Q("match", text="ö")}
    ),
    "Search": lambda client: Search(using=client, index=OTHER).query("match", text="oil").execute(),
    "search without a body": lambda client: client.search(index=OTHER, q="text:oil"),
    "search of all": lambda client: client.search(body=MATCH),
    "search of both": lambda client: client.search(index=f"{INDEX},{OTHER}", body=MATCH),
    "search by template": lambda client: client.search_template(
        index=INDEX, body={"source": MATCH, "params": {}}
    ),
    "msearch": lambda client: client.msearch(body=LINES),
    "msearch as bytes": lambda client: client.msearch(body=LINES.encode(), index=OTHER),
    "msearch as list": lambda client: client.msearch(body=[{"index": OTHER}, MATCH]),
    "msearch of no JSON": lambda client: client.msearch(body="nonsense\n"),
    "scan": lambda client: list(helpers.scan(client, index=OTHER, size=2)),
    "scan of the index": lambda client: list(helpers.scan(client, index=INDEX, size=50)),
    "count": lambda client: client.count(index=INDEX, body=MATCH),
    "count as text": lambda client: client.count(
        index=INDEX, body='{ "query":{"match":{"text" : "oil"}}}'
    ),
    "count of all": lambda client: client.count(index=INDEX),
    "validate as bytes": lambda client: client.indices.validate_query(
        index=INDEX, body=b'{ "query":{"match":{"text" : "oil"}}}'
    ),
    "explain": lambda client: client.explain(index=INDEX, id="d1", body=MATCH),
    "validate": lambda client: client.indices.validate_query(index=INDEX, body=MATCH),
    "bulk as text": lambda client: client.bulk(
        body='{"index" : {"_index":"not-the-shop" , "_id": "1"} }\n{"text":  "oil"}\n'
    ),
    "bulk as list": lambda client: client.bulk(
        body=[{"index": {"_index": OTHER, "_id": "2"}}, {"text": "öl"}], refresh=True
    ),
    "helpers.bulk": lambda client: helpers.bulk(
        client, ({"_index": OTHER, "_id": str(n), "text": "oil"} for n in range(5)), refresh=True
    ),
    "get": lambda client: client.get(index=INDEX, id="d1"),
    "mget": lambda client: client.mget(index=INDEX, body={"ids": ["d1", "d2"]}),
    "index": lambda client: client.index(index=OTHER, id="3", body={"text": "oil"}),
    "delete by query": lambda client: client.delete_by_query(
        index=OTHER, body=MATCH, conflicts="proceed", refresh=True
    ),
    "cat": lambda client: client.cat.indices(format="json", h="index"),
    "mapping": lambda client: client.indices.get_mapping(index=OTHER),
    "raw": lambda client: client.transport.perform_request("GET", f"/{OTHER}/_search?size=1"),
}


class Recording(Urllib3HttpConnection):
    """Notes what goes over the wire."""

    sent: list[tuple[Any, ...]] = []

    def perform_request(self, method, url, params=None, body=None, **others):
        wire = body.encode() if isinstance(body, str) else body
        Recording.sent.append((method, url, dict(params or {}), wire, others.get("headers")))
        return super().perform_request(method, url, params, body, **others)


def without_scroll_ids(sent: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [
        (*one[:3], "a page" if b"scroll_id" in (one[3] or b"") else one[3], one[4]) for one in sent
    ]


def recorded(client: OpenSearch, call: Call) -> list[tuple[Any, ...]]:
    Recording.sent = []
    try:
        call(client)
    except OpenSearchException as error:
        return [*Recording.sent, (type(error).__name__, "", {}, None, None)]
    return Recording.sent


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_no_rule_is_about_keeps_its_bytes(cluster_url: str, shop: str, call: Call) -> None:
    with (
        OpenSearch(cluster_url, connection_class=Recording) as plain,
        SplareOpenSearch(
            cluster_url, connection_class=Recording, encoder=Synonyms(), rules=Rules((rule(),))
        ) as ruled,
    ):
        plain.index(index=OTHER, id="0", body={"text": "oil"}, refresh=True)
        theirs = without_scroll_ids(recorded(plain, call))
        ours = without_scroll_ids(recorded(ruled, call))
    assert ours == theirs
    assert theirs


def test_the_others_of_an_msearch_keep_their_lines(cluster_url: str, shop: str) -> None:
    text = LINES + json.dumps({"index": INDEX}) + "\n" + json.dumps(MATCH) + "\n"
    with SplareOpenSearch(
        cluster_url, connection_class=Recording, encoder=Synonyms(), rules=Rules((rule(),))
    ) as ruled:
        sent = recorded(ruled, lambda client: client.msearch(body=text))[-1][3].decode()
    assert sent.startswith(LINES)
    header, body = sent.removeprefix(LINES).splitlines()
    assert json.loads(header) == {"index": INDEX}
    assert json.loads(body)["rescore"]["window_size"] == 20


def test_of_a_search_that_is_rescored_the_rest_is_what_it_was(cluster_url: str, shop: str) -> None:
    body = {**MATCH, "aggs": {"years": {"terms": {"field": "year"}}}, "size": 3}
    with SplareOpenSearch(
        cluster_url, connection_class=Recording, encoder=Synonyms(), rules=Rules((rule(),))
    ) as ruled:
        sent = json.loads(
            recorded(ruled, lambda client: client.search(index=INDEX, body=body))[-1][3]
        )
    assert sent.pop("_source") == {"excludes": ["*_splare.impacts"]}
    assert sent.pop("rescore").keys() == {"window_size", "query"}
    assert sent == body
