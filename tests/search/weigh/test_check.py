"""The check of a search's model, at a real server: which indices it reads, when, and as whom."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from opensearchpy import NotFoundError, OpenSearch, Transport

from splare_os.documents.fields import Fields
from splare_os.encoder import Encoder
from splare_os.errors import MappingError, ModelMismatchError
from splare_os.layout import ensure_index
from splare_os.layout.view import PLAIN
from splare_os.search import SplareOpenSearch
from splare_os.search.query.query import Dialect
from splare_os.search.weigh.points import PointsInTime
from tests.hashing import HashEncoder

from ..conftest import Library

pytestmark = pytest.mark.opensearch

BODY = {"query": {"splare": {"text": "the oil"}}}
IGNORING = {"ignore_unavailable": "true"}
WITH_HIDDEN = {"expand_wildcards": "open,hidden"}


@pytest.fixture
def shelf(client: OpenSearch, encoder: Encoder, index: str) -> Iterator[str]:
    """The start of names: `ours` is of the encoder's model; `closed` and `hidden` of another."""
    ensure_index(client, f"{index}-ours", encoder, Fields())
    for name in ("closed", "hidden"):
        ensure_index(client, f"{index}-{name}", HashEncoder(), Fields())
    client.indices.put_settings(index=f"{index}-hidden", body={"index.hidden": True})
    client.indices.close(index=f"{index}-closed")
    yield f"{index}-"
    client.indices.delete(index=f"{index}-*", params={"expand_wildcards": "all"})


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Every request that goes to the server from now on: its path and its headers."""
    requests: list[tuple[str, Any]] = []
    send = Transport.perform_request

    def note(self: Transport, method: str, url: str, **given: Any) -> Any:
        requests.append((url, given.get("headers")))
        return send(self, method, url, **given)

    monkeypatch.setattr(Transport, "perform_request", note)
    return requests


def test_indices_that_are_not_there_are_passed_over_where_the_request_says_so(
    splare: SplareOpenSearch, library: Library
) -> None:
    names = "library,nowhere"
    reply = splare.search(index=names, body=BODY, params=IGNORING)
    assert reply["hits"]["total"]["value"] == len(library.scores("the oil"))
    raw = splare.transport.perform_request(
        "POST", f"/{names}/_search?ignore_unavailable=true", body=BODY
    )
    assert raw["hits"] == reply["hits"]
    with pytest.raises(NotFoundError, match="nowhere"):
        splare.search(index=names, body=BODY)
    assert splare.search(index=names, body=BODY, params={"ignore": 404})["status"] == 404


def test_an_msearch_header_overrides_what_its_request_says(
    splare: SplareOpenSearch, library: Library
) -> None:
    header = {"index": ["library", "nowhere"]}
    ignoring = {**header, "ignore_unavailable": True}
    (found,) = splare.msearch(body=[ignoring, BODY])["responses"]
    (same,) = splare.msearch(body=[header, BODY], params=IGNORING)["responses"]
    assert same["hits"] == found["hits"]
    assert found["hits"]["hits"]
    not_ignoring = {**header, "ignore_unavailable": False}
    searches = [not_ignoring, BODY, {"index": "library"}, BODY]
    missing, there = splare.msearch(body=searches, params=IGNORING)["responses"]
    assert missing["error"]["type"] == "index_not_found_exception"
    assert there["hits"] == found["hits"]


@pytest.mark.parametrize("dialect", ["rank_feature", "neural_sparse"])
@pytest.mark.parametrize("names", ["nowhere*", "nowhere"])
def test_a_search_of_no_index_finds_nothing_where_the_request_says_it_may(
    cluster_url: str, encoder: Encoder, names: str, dialect: Dialect
) -> None:
    with SplareOpenSearch(cluster_url, encoder=encoder, dialect=dialect) as splare:
        reply = splare.search(index=names, body=BODY, params=IGNORING)
    assert reply["hits"]["hits"] == []


def test_a_hidden_index_is_checked_where_the_search_reads_it(
    splare: SplareOpenSearch, shelf: str
) -> None:
    assert splare.search(index=f"{shelf}*", body=BODY)["hits"]["hits"] == []
    with pytest.raises(ModelMismatchError, match=f"{shelf}hidden"):
        splare.search(index=f"{shelf}*", body=BODY, params=WITH_HIDDEN)
    (refused,) = splare.msearch(body=[{"index": f"{shelf}*", **WITH_HIDDEN}, BODY])["responses"]
    assert f"{shelf}hidden" in refused["error"]["reason"]


def test_a_closed_index_is_not_checked_where_the_search_passes_it_over(
    splare: SplareOpenSearch, shelf: str
) -> None:
    names = f"{shelf}ours,{shelf}closed"
    assert splare.search(index=names, body=BODY, params=IGNORING)["hits"]["hits"] == []
    with pytest.raises(ModelMismatchError, match=f"{shelf}closed"):
        splare.search(index=names, body=BODY)


def test_other_endpoints_pass_their_options_on_too(
    splare: SplareOpenSearch, library: Library
) -> None:
    clause = {"splare": {"text": {"query": "the oil", "min_score": 0.001}}}
    found = splare.count(index="library,nowhere", body={"query": clause}, params=IGNORING)
    assert found["count"] == len(library.scores("the oil"))


def test_a_mapping_is_read_again_for_other_options_and_other_credentials_alone(
    splare: SplareOpenSearch, library: Library, sent: list[tuple[str, Any]]
) -> None:
    for arguments in (
        {},
        {},
        {"headers": {"X-Opaque-Id": "7"}},
        {"params": WITH_HIDDEN},
        {"params": WITH_HIDDEN},
        {"headers": {"Authorization": "Bearer ann"}},
        {"headers": {"Authorization": "Bearer ann"}, "params": {"size": 3}},
        {"headers": {"Authorization": "Bearer bob"}},
    ):
        splare.search(index="library", body=BODY, **arguments)
    asked = [headers.get("authorization") for url, headers in sent if url.endswith("/_mapping")]
    assert asked == [None, None, "Bearer ann", "Bearer bob"]


def test_the_indices_of_a_point_in_time_are_asked_for_with_the_requests_headers(
    splare: SplareOpenSearch, library: Library, sent: list[tuple[str, Any]]
) -> None:
    point = splare.create_pit(index="library", keep_alive="1m")["pit_id"]
    sent.clear()
    reply = splare.search(body={"pit": {"id": point}, **BODY}, headers={"X-Opaque-Id": "7"})
    assert reply["hits"]["hits"]
    assert [(url, headers) for url, headers in sent] == [
        ("/_search", {"x-opaque-id": "7"}),
        ("/library/_mapping", {"x-opaque-id": "7"}),
        ("/.splare-statistics/_mget", {"x-opaque-id": "7"}),
        ("/_search", {"x-opaque-id": "7"}),
    ]
    sent.clear()
    for size in (2, 3):
        splare.search(body={"pit": {"id": point}, "size": size, **BODY})
    assert [url for url, _ in sent] == ["/_search", "/_search"]


def test_a_point_in_time_without_documents_finds_nothing_whatever_else_there_is(
    splare: SplareOpenSearch, client: OpenSearch, library: Library, index: str
) -> None:
    client.indices.create(index=index)  # the library's two indices do not go together
    point = splare.create_pit(index=index, keep_alive="1m")["pit_id"]
    assert splare.search(body={"pit": {"id": point}, **BODY})["hits"]["hits"] == []
    splare.delete_pit(body={"pit_id": [point]})
    assert library.texts


def test_points_in_time_are_remembered_up_to_a_number(
    splare: SplareOpenSearch,
    library: Library,
    sent: list[tuple[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("splare_os.search.weigh.points.MOST_POINTS", 1)
    one, other = (splare.create_pit(index="library", keep_alive="1m")["pit_id"] for _ in range(2))
    sent.clear()
    for point in (one, one, other, one):
        splare.search(body={"pit": {"id": point}, **BODY})
    assert [url for url, _ in sent].count("/_search") == 4 + 3


def test_what_some_shards_tell_of_a_point_in_time_is_not_remembered() -> None:
    class Busy:
        """A cluster in which one of two shards refuses the first search."""

        n = 0

        def search(self, **_: object) -> dict[str, Any]:
            Busy.n += 1
            names = ["library"] if Busy.n == 1 else ["library", "shelf"]
            buckets = [{"key": name} for name in names]
            shards = {"total": 2, "successful": len(names), "failed": 2 - len(names)}
            return {"_shards": shards, "aggregations": {"indices": {"buckets": buckets}}}

    points = PointsInTime(cast(OpenSearch, Busy()))
    asked = [points.indices_of({"id": "7"}, PLAIN) for _ in range(3)]
    assert (asked, Busy.n) == (["library", "library,shelf", "library,shelf"], 2)


def test_an_index_of_another_cluster_is_refused_in_our_words(
    splare: SplareOpenSearch, library: Library
) -> None:
    for names in ("other:library", "library,other:*"):
        with pytest.raises(MappingError, match=r"'other:.*' is of another cluster"):
            splare.search(index=names, body=BODY)
    with pytest.raises(NotFoundError):
        splare.search(index="<logs-{now/d{yyyy.MM.dd|+12:00}}>", body=BODY)


def test_all_indices_are_those_that_have_the_field_however_they_are_named(
    splare: SplareOpenSearch, client: OpenSearch, encoder: Encoder, index: str
) -> None:
    ensure_index(client, index, encoder, Fields("fable"))
    client.indices.create(index=f"{index}-bare")
    client.index(index=index, id="a", body={"fable": "oil"}, refresh=True)
    body = {"query": {"bool": {"should": [{"splare": {"fable": "oil"}}, {"ids": {"values": "a"}}]}}}
    for name in (None, "", "_all"):
        found = splare.search(index=name, body=body, size=100)["hits"]["hits"]
        assert index in {hit["_index"] for hit in found}
    for header in ({}, {"index": "_all"}, {"index": ["_all"]}):
        (reply,) = splare.msearch(body=[header, body])["responses"]
        assert "hits" in reply
    with pytest.raises(MappingError, match="has no impacts field"):
        splare.search(index=f"{index}*", body=body)
