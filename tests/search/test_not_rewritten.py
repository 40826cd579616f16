"""Where a clause may not stand yet, the server refuses it: nothing is silently wrong."""

from typing import Any

import pytest
from opensearchpy import RequestError

from splare_os.search import SplareOpenSearch

from .conftest import Library

pytestmark = pytest.mark.opensearch

CLAUSE = {"splare": {"text": "the oil embargo"}}


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.search_template(
            index="library", body={"source": {"query": CLAUSE}, "params": {}}
        ),
        lambda client: client.rank_eval(
            index="library",
            body={
                "requests": [{"id": "q", "request": {"query": CLAUSE}, "ratings": []}],
                "metric": {"precision": {}},
            },
        ),
        lambda client: client.indices.put_alias(
            index="library", name="filtered", body={"filter": CLAUSE}
        ),
        lambda client: client.search(
            index="library",
            body={
                "query": {"match_all": {}},
                "highlight": {"fields": {"text": {}}, "highlight_query": CLAUSE},
            },
        ),
        lambda client: client.reindex(
            body={"source": {"index": "library", "query": CLAUSE}, "dest": {"index": "copied"}}
        ),
    ],
    ids=["template", "rank_eval", "alias filter", "highlight_query", "reindex"],
)
def test_what_is_not_rewritten_the_server_refuses(
    splare: SplareOpenSearch, library: Library, ask: Any
) -> None:
    with pytest.raises(RequestError, match="splare|filter for alias"):
        ask(splare)


def test_a_stored_query_with_a_clause_is_refused(splare: SplareOpenSearch, index: str) -> None:
    properties = {"query": {"type": "percolator"}, "text": {"type": "text"}}
    splare.indices.create(index=index, body={"mappings": {"properties": properties}})
    with pytest.raises(RequestError):
        splare.index(index=index, body={"query": CLAUSE})
