"""Saved objects in a Dashboards over HTTP, whose replies are those of real ones."""

import pytest

from splare_os.connection import Connection
from splare_os.dashboards import boards, objects_of
from splare_os.dashboards.server import DashboardsServer
from splare_os.errors import DashboardsError
from tests.dashboards.server import Dashboards, dashboards

OBJECTS = objects_of(boards(None))


def server(found: Dashboards, **settings: str) -> DashboardsServer:
    return DashboardsServer(Connection(urls=(found.url,), **settings))


def test_what_was_installed_is_removed_again() -> None:
    with dashboards() as found:
        ours = server(found)
        assert {one.outcome for one in ours.install(OBJECTS)} == {"created"}
        assert set(found.saved) == {(each.type, each.id) for each in OBJECTS}
        assert {one.outcome for one in ours.install(OBJECTS)} == {"overwritten"}
        found.saved["search", "somebody's"] = {}
        gone = ours.remove(OBJECTS)
        assert {one.outcome for one in gone} == {"removed"}
        assert gone[0].type == "dashboard"  # what refers comes before what is referred to
        assert set(found.saved) == {("search", "somebody's")}
        assert {one.outcome for one in ours.remove(OBJECTS)} == {"absent"}


def test_if_one_fails_what_was_new_is_removed_and_what_was_there_stays() -> None:
    first, second = OBJECTS[0], OBJECTS[1]
    with dashboards(refused={second.id}, saved={(first.type, first.id): {}}) as found:
        outcomes = {one.id: one for one in server(found).install(OBJECTS)}
        assert outcomes[second.id].outcome == "failed"
        assert "unsupported_type" in outcomes[second.id].reason
        assert outcomes[first.id].outcome == "overwritten"
        others = [one.outcome for id_, one in outcomes.items() if id_ not in {first.id, second.id}]
        assert set(others) == {"removed"}
        assert len(outcomes) == len(OBJECTS)
        assert set(found.saved) == {(first.type, first.id)}


def test_what_cannot_be_removed_again_is_told_beside_what_failed() -> None:
    with dashboards(refused={OBJECTS[1].id}, keeps=True) as found:
        outcomes = {one.id: one for one in server(found).install(OBJECTS)}
    assert outcomes.pop(OBJECTS[1].id).reason == '{"type": "unsupported_type"}'
    assert {one.outcome for one in outcomes.values()} == {"created"}
    assert all("cannot be removed again: " in one.reason for one in outcomes.values())


def test_a_reply_that_names_no_object_is_no_success() -> None:
    with dashboards(page=b'{"success": true, "successCount": 99}') as found:
        outcomes = server(found).install(OBJECTS)
    assert {(one.outcome, one.reason) for one in outcomes} == {
        ("failed", "the reply does not name it")
    }


def test_a_login_and_a_tenant_are_sent() -> None:
    with dashboards(login="ada:secret") as found:
        with pytest.raises(DashboardsError, match="status 401.*Say who you are"):
            server(found).install(OBJECTS)
        connection = Connection(urls=(found.url,), user="ada", password="secret")
        DashboardsServer(connection, tenant="global").install(OBJECTS)
        assert found.headers[-1]["securitytenant"] == "global"
        token = Connection(urls=(found.url,), bearer_token="abc")
        with pytest.raises(DashboardsError, match="401"):
            DashboardsServer(token).install(OBJECTS)
        assert found.headers[-1]["authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"page": b"<html>"}, "answers with no JSON.*no page of a proxy"),
        ({"page": b"[]"}, "an object was expected"),
        ({"status": 403}, "status 403.*may write saved objects"),
        ({"status": 404}, "Is it OpenSearch Dashboards, with its base path"),
        ({"status": 302}, "It leads to .*log in .--dashboards-user"),
    ],
)
def test_another_server_is_told(settings: dict[str, object], told: str) -> None:
    with dashboards(**settings) as found, pytest.raises(DashboardsError, match=told):
        server(found).install(OBJECTS)


def test_a_server_without_our_objects_is_not_one_without_dashboards() -> None:
    page = b'{"statusCode":404,"error":"Not Found","message":"Not Found"}'
    told = pytest.raises(DashboardsError, match="with its base path")
    with dashboards(status=404, page=page) as found, told:
        server(found).remove(OBJECTS)


def test_a_login_may_have_any_letter() -> None:
    with dashboards(login="zoë:p\u00e4ss\u20ac") as found:
        login = {"user": "zoë", "password": "p\u00e4ss\u20ac"}
        assert {one.outcome for one in server(found, **login).install(OBJECTS)} == {"created"}


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(DashboardsError, match="cannot be reached.*not that of OpenSearch"):
        DashboardsServer(Connection(urls=("http://127.0.0.1:9",))).install(OBJECTS)


def test_what_cannot_be_sent_is_refused() -> None:
    with pytest.raises(ValueError, match="by hand"):
        DashboardsServer(Connection(urls=("http://a",), proxy="http://b"))
