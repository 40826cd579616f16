from typing import Any

import pytest
from opensearchpy import OpenSearch

from splare_os.search.request.filter_path import showing, shows

from ..conftest import Library

IDS = "hits.hits._id"


@pytest.mark.parametrize(
    ("given", "is_shown"),
    [
        (None, True),
        ("", True),
        ("hits", True),
        ("hits.hits._id", True),
        ("took,hits.hits._id", True),
        (b"hits.*._id", True),
        (["took", "**._id"], True),
        ("hits.hits._i*", True),
        ("**", True),
        ("-took", True),
        ("-hits.hits._source", True),
        ("took", False),
        ("hits.total", False),
        ("hits.hits._source", False),
        ("hits.hits._id.more", False),
        ("-hits", False),
        ("hits,-**._id", False),
    ],
)
def test_what_a_filter_shows(given: Any, is_shown: bool) -> None:  # noqa: FBT001
    params = {} if given is None else {"filter_path": given}
    assert shows(params, IDS) is is_shown


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, None),
        ({"size": 3}, {"size": 3}),
        ({"filter_path": b"took", "size": 3}, {"filter_path": "took,responses.status", "size": 3}),
        ({"filter_path": "responses"}, {"filter_path": "responses"}),
        ({"filter_path": "-responses.status"}, {"filter_path": "-responses.status"}),
        ({"filter_path": "took,-**.status"}, {"filter_path": "took,-**.status"}),
    ],
)
def test_a_filter_shows_more_where_it_can(given: Any, sent: Any) -> None:
    assert showing(given, "responses.status") == sent
    if given == sent:
        assert showing(given, "responses.status") is given


@pytest.mark.opensearch
@pytest.mark.parametrize(
    "given",
    [
        "hits",
        "hits.hits._id",
        "hits.*._id",
        "**._id",
        "**",
        "-took",
        "hits,-**._id",
        "took",
        "-hits",
    ],
)
def test_a_server_shows_the_same(client: OpenSearch, library: Library, given: str) -> None:
    reply = client.search(index=library.index, params={"filter_path": given})
    hits = reply.get("hits", {}).get("hits", [{}])
    assert ("_id" in hits[0]) is shows({"filter_path": given}, IDS)
