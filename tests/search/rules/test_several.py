"""An `_msearch` whose replies `filter_path` cuts down: searches are still told from one another."""

import json
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch
from opensearchpy.exceptions import OpenSearchWarning

from splare_os.search.rules import LogOptions
from splare_os.search.rules.asking import Asking
from splare_os.search.rules.several import or_refused

from .conftest import INDEX, Clients, ids

MATCH = {"query": {"match": {"text": "oil"}}}
NOTHING = {"query": {"match": {"text": "nowhere-to-be-found"}}}
LINES = [{}, NOTHING, {}, MATCH, {"index": "nowhere"}, MATCH]


def test_what_a_search_is_refused_for_is_its_reply() -> None:
    def refuse(_: Asking) -> None:
        raise ValueError("no")

    asking = Asking("/a/_search", "a", None, {}, {}, is_of_several=True)
    made = or_refused(refuse, asking)
    assert made is not None
    assert made.finish({"hits": {}})["error"]["reason"] == "no"
    with pytest.raises(ValueError, match="no"):
        or_refused(refuse, Asking("/a/_search", "a", {"filter_path": "took"}, {}, {}))


@pytest.mark.opensearch
@pytest.mark.parametrize(
    "filter_path",
    [
        "responses.hits.hits._id",
        "responses.hits.total",
        "took,responses.hits.hits._source.year",
        "responses.status",
        "responses",
        "-responses.took,-took",
        "-responses.hits.hits._source,-responses.took,-took",
        "-**.status,-**.took",
        "error",
    ],
)
def test_a_filter_leaves_what_it_leaves_of_a_server_and_searches_are_logged(
    ruled: Clients, client: OpenSearch, tmp_path: Path, filter_path: str
) -> None:
    asked = {"index": INDEX, "body": LINES, "params": {"filter_path": filter_path}}
    theirs = client.msearch(**asked)
    path = tmp_path / "searches.jsonl"
    whole = ruled(indices=(INDEX, "nowhere"), weight=1e-9)
    log = LogOptions(path)
    ours = ruled(log, indices=(INDEX, "nowhere"), percentage=0).msearch(**asked)
    assert _without_took(ours) == _without_took(theirs)
    rescored = whole.msearch(**asked)
    assert _shape(rescored) == _shape(theirs)
    if "-**.status" in filter_path:  # nobody can tell whose answers these are
        assert not path.exists()
        return
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 2
    found = [line["hits"] for line in lines]
    is_shown = "_id" in filter_path or filter_path == "responses" or filter_path[0] == "-"
    expected = ids(client.search(index=INDEX, body=MATCH))
    assert found == ([[], expected] if is_shown else [None, None])


@pytest.mark.opensearch
def test_a_single_search_is_logged_by_what_its_reply_tells(ruled: Clients, tmp_path: Path) -> None:
    path = tmp_path / "searches.jsonl"
    splare = ruled(LogOptions(path))
    for asked in ("hits.hits._id", "hits.hits._source", "took"):
        for body in (NOTHING, MATCH):
            splare.search(index=INDEX, body=body, filter_path=asked)
    splare.search(index=INDEX, body={**MATCH, "stored_fields": "_none_"})
    lines = [json.loads(line)["hits"] for line in path.read_text().splitlines()]
    assert (lines[0], bool(lines[1])) == ([], True)
    assert lines[2:] == [None] * 5


@pytest.mark.opensearch
def test_what_the_server_refuses_of_ours_is_sent_as_it_was_where_errors_are_hidden(
    ruled: Clients, client: OpenSearch
) -> None:
    limits = {"index.max_rescore_window": 10}
    asked = {"index": INDEX, "body": [{}, MATCH], "params": {"filter_path": "**._id"}}
    client.indices.put_settings(index=INDEX, body=limits)
    try:
        with pytest.warns(OpenSearchWarning, match="is searched without SPLARE"):
            assert ruled().msearch(**asked) == client.msearch(**asked)
    finally:
        client.indices.put_settings(index=INDEX, body=dict.fromkeys(limits))


@pytest.mark.opensearch
def test_a_clause_that_is_refused_leaves_the_others_alone(ruled: Clients) -> None:
    odd = {"query": {"splare": {"no": "oil"}}}
    splare = ruled()
    first, second = splare.msearch(index=INDEX, body=[{}, odd, {}, MATCH])["responses"]
    assert (first["error"]["type"], first["status"]) == ("mapping_error", 400)
    assert ids(second) == ids(splare.search(index=INDEX, body=MATCH))


def _without_took(reply: Any) -> Any:
    if isinstance(reply, list):
        return [_without_took(one) for one in reply]
    if not isinstance(reply, dict):
        return reply
    hidden = {"took", "text_splare"}
    return {key: _without_took(one) for key, one in reply.items() if key not in hidden}


def _shape(reply: Any) -> Any:
    """Return which keys a reply has, in lists of as many."""
    if isinstance(reply, list):
        return [_shape(one) for one in reply]
    if not isinstance(reply, dict):
        return None
    return {key: _shape(one) for key, one in reply.items() if key != "text_splare"}
