"""The native route on a real OpenSearch with ml-commons: put there, looked at, taken off."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from opensearchpy import AuthorizationException, OpenSearch, TransportError

from splare_os.connect import Route, State, check, connect, disconnect
from splare_os.connect.bodies import Names, connector_body
from splare_os.connect.route import find_names, find_route
from splare_os.documents import Fields
from splare_os.errors import ConnectError, ModelMismatchError
from splare_os.index import replay
from splare_os.layout.mapping import ensure_index
from splare_os.layout.pipeline import DEAD_LETTERS
from splare_os.layout.records import find_impacts, read_records
from tests.encode.answering import Answer, answering
from tests.hashing import HashEncoder
from tests.serve.serving import Server

from .conftest import Http, letters
from .test_failures import QUERY, good

pytestmark = [pytest.mark.slow, pytest.mark.opensearch]


def test_cluster_settings_are_told_and_changed_only_if_allowed(ml_client: OpenSearch) -> None:
    ensure_index(ml_client, "settings", HashEncoder(), Fields())
    record = find_impacts(ml_client, "settings", Fields(), HashEncoder()).records["settings"]
    there = ml_client.cluster.get_settings()
    elsewhere = Route("settings", "text_splare", record, "http://10.9.8.7:8080")
    with pytest.raises(ConnectError, match=r"trusted_connector_endpoints_regex.*10\\\\.9"):
        connect(ml_client, elsewhere)
    assert ml_client.cluster.get_settings() == there


def test_done_again_nothing_changes(ml_client: OpenSearch, route: Route) -> None:
    assert {one.state for one in check(ml_client, route)} == {"good"}
    assert connect(ml_client, route) == []


def test_impacts_that_come_along_are_replaced_by_those_of_the_text(
    ml_client: OpenSearch, http: Http, route: Route
) -> None:
    given = {"text": "ants", "text_splare": {"impacts": {"1": 2.0}, "more": 1}}
    http.bulk("native", [{"_id": "plain", "text": "ants"}, {"_id": "given", **given}])
    plain, mended = (ml_client.get(index="native", id=one) for one in ("plain", "given"))
    assert mended["_source"] == plain["_source"]


def test_the_pipeline_sees_an_update_whole_but_for_one_in_a_bulk(
    ml_client: OpenSearch, http: Http, route: Route
) -> None:
    def digest(name: str) -> str:
        return str(ml_client.get(index="native", id=name)["_source"]["text_splare"]["digest"])

    http.bulk("native", [{"_id": name, "text": "ants"} for name in ("alone", "in-bulk")])
    http.bulk("native", [{"_id": "whole", "text": "rivers"}])
    assert http("POST", "/native/_update/alone", {"doc": {"text": "rivers"}})[0] == 200
    assert digest("alone") == digest("whole")
    lines = b'{"update": {"_id": "in-bulk"}}\n{"doc": {"text": "rivers"}}\n'
    assert http("POST", "/native/_bulk?refresh=true", lines)[1]["errors"] is False
    assert digest("in-bulk") != digest("whole")  # as docs/native.md tells
    query = {"query": {"ids": {"values": ["in-bulk"]}}}
    assert http("POST", "/native/_update_by_query?refresh=true", query)[1]["updated"] == 1
    assert digest("in-bulk") == digest("whole")


def test_a_document_that_is_no_text_is_a_dead_letter_and_others_are_stored(
    ml_client: OpenSearch, http: Http, route: Route
) -> None:
    given = [{"_id": "good", "text": "ants"}, {"_id": "bad", "text": 7, "text_splare": {"x": 1}}]
    items = http.bulk("native", given)
    assert [item["_index"] for item in items] == ["native", DEAD_LETTERS]
    [letter] = [one for one in letters(ml_client, "native") if one["id"] == "bad"]
    assert "field text holds 7" in letter["reason"]
    assert letter["document"] == {"text": 7, "text_splare": {"x": 1}}
    outcomes = {one.id: one.reason for one in replay(ml_client, "native")}
    assert "again" in outcomes["bad"]
    assert len([one for one in letters(ml_client, "native") if one["id"] == "bad"]) == 1


def test_new_indices_of_a_pattern_are_made_for_the_route(
    ml_client: OpenSearch, http: Http, route: Route
) -> None:
    wide = replace(route, pattern="native-day-*")
    states = {one.part: one.state for one in check(ml_client, wide)}
    assert states.pop(f"index template {route.name}") == "missing"
    assert set(states.values()) == {"good"}
    assert [one.part for one in connect(ml_client, wide)] == [f"index template {route.name}"]
    assert connect(ml_client, wide) == []
    [item] = http.bulk("native-day-1", [{"_id": "1", "text": "ants carry leaves"}])
    assert item["_index"] == "native-day-1"
    http.bulk("native", [{"_id": "same", "text": "ants carry leaves"}])
    ours = ml_client.get(index="native", id="same")["_source"]
    assert ml_client.get(index="native-day-1", id="1")["_source"] == ours
    records = read_records(ml_client, "native,native-day-1")
    assert records["native"] == records["native-day-1"]
    query = {"neural_sparse": {"text_splare.impacts": {"query_text": "ants"}}}
    status, reply = http("POST", "/native-day-1/_search", {"query": query})
    assert (status, [hit["_id"] for hit in reply["hits"]["hits"]]) == (200, ["1"])
    assert "out of date" in str(list(check(ml_client, replace(wide, pattern="native-week-*"))))
    ml_client.indices.delete_index_template(name=route.name)


def test_disconnecting_takes_indices_of_the_pattern_off_too(
    ml_client: OpenSearch, http: Http, fake_route
) -> None:
    made = fake_route("http://127.0.0.1:9")
    wide = replace(made, pattern=f"{made.index}-*")
    connect(ml_client, wide)
    assert http.bulk(f"{made.index}-1", [{"_id": "1", "text": "a"}])[0]["_index"] == DEAD_LETTERS
    ml_client.indices.create(index=f"{made.index}-2")
    removed = disconnect(ml_client, made)
    assert f"settings of {made.index}-2" in removed
    assert f"index template {made.name}" in removed
    for index in (made.index, f"{made.index}-2"):
        assert http.bulk(index, [{"_id": "1", "text": "a"}])[0]["_index"] == index
    assert disconnect(ml_client, made) == []


def test_a_template_of_dead_letters_that_is_gone_is_told(
    ml_client: OpenSearch, fake_route: Callable[[str], Route]
) -> None:
    made = fake_route("http://127.0.0.1:9")
    ml_client.indices.delete_index_template(name=DEAD_LETTERS)
    wanted = State(f"index template {DEAD_LETTERS}", "missing")
    assert [one for one in check(ml_client, made) if one.state != "good"] == [wanted]
    assert connect(ml_client, made) == [wanted]
    assert {one.state for one in check(ml_client, made)} == {"good"}
    disconnect(ml_client, made)


def test_two_phases_change_no_score_and_refuse_wide_windows(
    ml_client: OpenSearch, http: Http, route: Route, sample: list[dict]
) -> None:
    http.bulk("native", sample[:100])
    query = {"neural_sparse": {"text_splare.impacts": {"query_text": sample[7]["text"][:80]}}}
    exact = http("POST", "/native/_search", {"query": query, "size": 100})[1]["hits"]["hits"]
    wanted = {hit["_id"]: hit["_score"] for hit in exact}
    assert [one.part for one in connect(ml_client, replace(route, two_phase=True))] == [
        f"search pipeline {route.name}"
    ]
    try:
        found = http("POST", "/native/_search", {"query": query, "size": 5})[1]["hits"]["hits"]
        assert [hit["_id"] for hit in found] == [hit["_id"] for hit in exact[:5]]
        for hit in found:  # all latents count for what is in the window, 20 times as wide
            assert hit["_score"] == pytest.approx(wanted[hit["_id"]], rel=1e-5)
        assert http("POST", "/native/_search", {"query": query, "size": 500})[0] == 200
        status, reply = http("POST", "/native/_search", {"query": query, "size": 501})
        assert (status, "10000" in str(reply)) == (400, True), reply
    finally:
        connect(ml_client, route)


def test_a_field_of_another_model_is_refused(
    ml_client: OpenSearch, mini_server: Server, route: Route
) -> None:
    ensure_index(ml_client, "foreign", HashEncoder(), Fields())
    with pytest.raises(ModelMismatchError, match="come from the model 'hash'"):
        find_route(ml_client, "foreign", Fields(), mini_server.url)
    asked = {"texts": ["ants"], "index": "foreign", "field": "text"}
    for path in ("/native/documents", "/native/queries"):
        status, reply = mini_server.post(path, asked)
        assert (status, reply["error_type"]) == (409, "Model")


def test_disconnecting_leaves_the_documents(ml_client: OpenSearch, http: Http, fake_route) -> None:
    made = fake_route("http://127.0.0.1:9")
    assert len(disconnect(ml_client, made)) == 8
    assert {one.state.partition(":")[0] for one in check(ml_client, made)} == {"missing"}
    assert disconnect(ml_client, made) == []
    [item] = http.bulk(made.index, [{"_id": "1", "text": "ants"}])
    assert item["_index"] == made.index


def test_another_server_is_asked_while_searches_go_on(
    ml_client: OpenSearch, http: Http, fake_route
) -> None:
    answers = {path: [good(1)] for path in ("/native/documents", "/native/queries")}
    statuses, is_done = Counter[int](), threading.Event()

    def search(index: str) -> None:
        while not is_done.is_set():
            statuses[http("POST", f"/{index}/_search", QUERY)[0]] += 1

    with answering(answers) as old, answering(answers) as new, ThreadPoolExecutor(3) as threads:
        made = fake_route(old.url)
        for _ in range(3):
            threads.submit(search, made.index)
        try:
            other = replace(made, server=new.url)
            found = connect(ml_client, other, token="new", sets_cluster=True)  # noqa: S106
            assert {one.state.partition(":")[0] for one in found} == {"out of date"}
            n_asked = len(new.requests)
            while len(new.requests) < n_asked + 10:
                time.sleep(0.05)
        finally:
            is_done.set()
    assert set(statuses) == {200}
    assert {headers["Authorization"] for _, headers, _ in new.requests} == {"Bearer new"}
    assert {one.state for one in check(ml_client, other, token="new")} == {"good"}  # noqa: S106
    disconnect(ml_client, made)


def test_a_connector_that_was_left_behind_is_removed(
    ml_client: OpenSearch, http: Http, fake_route
) -> None:
    made = fake_route("http://127.0.0.1:9")
    body = connector_body(made, "query", "of a run that was killed")
    assert http("POST", "/_plugins/_ml/connectors/_create", body)[0] == 200
    [bad] = [one for one in check(ml_client, made) if one.state != "good"]
    assert bad == State(
        f"model {made.name}-query", "out of date: there are other models or connectors of its name"
    )
    assert connect(ml_client, made) == [bad]
    assert connect(ml_client, made) == []
    assert len(disconnect(ml_client, made)) == 8


@pytest.mark.parametrize("setting", ["default_pipeline", "search.default_pipeline"])
def test_a_pipeline_of_others_is_not_replaced(ml_client: OpenSearch, setting: str) -> None:
    index = f"taken-{setting.partition('.')[0]}"
    ensure_index(ml_client, index, HashEncoder(), Fields())
    ml_client.ingest.put_pipeline(id="enriching", body={"processors": []})
    ml_client.search_pipeline.put(id="enriching", body={"request_processors": []})
    ml_client.indices.put_settings(index=index, body={f"index.{setting}": "enriching"})
    record = find_impacts(ml_client, index, Fields(), HashEncoder()).records[index]
    made = Route(index, "text_splare", record, "http://127.0.0.1:9")
    with pytest.raises(ConnectError, match=f"'{index}' has .*{setting}': 'enri.*room for"):
        connect(ml_client, made, sets_cluster=True)
    assert len(disconnect(ml_client, made)) == 0
    assert "'enriching'" in str(list(check(ml_client, made))[-1])


def test_a_route_is_taken_off_when_its_server_and_its_index_are_gone(
    ml_client: OpenSearch, fake_route
) -> None:
    made = fake_route("http://127.0.0.1:9")
    found = find_names(ml_client, made.index, Fields())
    assert found == Names(made.index, made.field)
    ml_client.indices.delete(index=made.index)
    assert find_names(ml_client, made.index, Fields()) == found
    assert len(disconnect(ml_client, found)) == 7
    assert disconnect(ml_client, made) == []


def test_two_at_once_leave_what_the_next_puts_right(
    ml_client: OpenSearch, ml_url: str, fake_route
) -> None:
    made = fake_route("http://127.0.0.1:9")
    disconnect(ml_client, made)

    def put() -> None:
        with suppress(TransportError), OpenSearch(ml_url, timeout=120) as client:
            connect(client, made)

    with ThreadPoolExecutor(2) as threads:
        for one in [threads.submit(put) for _ in range(2)]:
            one.result()
    connect(ml_client, made)
    assert {one.state for one in check(ml_client, made)} == {"good"}
    disconnect(ml_client, made)
    assert disconnect(ml_client, made) == []


@pytest.mark.parametrize(
    ("status", "error"), [(403, AuthorizationException), (503, TransportError)]
)
def test_what_a_cluster_refuses_is_no_lack_of_plugins(status: int, error: type[Exception]) -> None:
    refused = Answer(status, {"error": "no permissions for [cluster:monitor/nodes/info]"})
    with (
        answering({"/_cat/plugins?format=json": [refused]}) as told,
        OpenSearch(told.url, max_retries=0) as client,
        pytest.raises(error, match=str(status)),
    ):
        disconnect(client, Names("any", "text_splare"))


def test_a_service_without_plugins_and_settings_has_the_client_route_only() -> None:
    gone = Answer(404, {"error": "serverless", "status": 404})
    with (
        answering({"/_cat/plugins?format=json": [gone]}) as told,
        OpenSearch(told.url) as client,
        pytest.raises(ConnectError, match="tells of no plugins.*only the client route is there"),
    ):
        disconnect(client, Names("any", "text_splare"))


def test_a_cluster_without_ml_commons_has_the_client_route_only(client: OpenSearch) -> None:
    with pytest.raises(ConnectError, match="no ml-commons: only the client route"):
        disconnect(client, Names("any", "text_splare"))
