from typing import Any

from splare_os.search import SplareOpenSearch
from splare_os.search.request import Request
from splare_os.search.rewritten import Rewritten

QUESTIONS = {"/a/_mapping", "/a/_field_caps"}
"""Of the check of updates."""


def test_arguments_are_known_by_name_however_they_were_given() -> None:
    by_place = Request.of("GET", "/a/_search", {"size": 1}, None, 3.0, (404,), {"X": "1"})
    by_name = Request.of("GET", "/a/_search", headers={"X": "1"}, params={"size": 1})
    assert by_place.arguments == {
        "params": {"size": 1},
        "body": None,
        "timeout": 3.0,
        "ignore": (404,),
        "headers": {"X": "1"},
    }
    assert by_name.arguments == {"params": {"size": 1}, "headers": {"X": "1"}}
    for one in (by_place, by_name):
        assert (one.params, one.body, one.headers) == ({"size": 1}, None, {"X": "1"})


def test_what_was_not_given_is_not_added() -> None:
    bare = Request("GET", "/")
    assert (bare.params, bare.body, bare.headers) == (None, None, None)
    assert bare.with_content(Rewritten(None, None)).arguments == {}
    changed = bare.with_content(Rewritten({"a": 1}, {}))
    assert changed.arguments == {"params": {"a": 1}, "body": {}}
    full = Request("GET", "/", {"body": {"query": {}}, "params": {"a": 1}})
    assert full.with_content(Rewritten(None, None)).arguments == {"body": None, "params": None}


def test_a_rewritten_body_that_would_be_a_parameter_is_posted() -> None:
    search = Request("GET", "/a/_search", {"body": {"query": {}}})
    made = Rewritten(None, {"query": {"bool": {}}})
    assert search.with_content(made, is_line=True).method == "POST"
    assert search.with_content(made).method == "GET"
    as_it_was = Rewritten(None, search.body)
    assert search.with_content(as_it_was, is_line=True) == search


def test_a_transport_that_only_pretends_is_given_what_the_client_gives() -> None:
    class Pretending:  # as unit tests of applications have it
        def __init__(self, hosts: Any, **_: Any) -> None:
            self.hosts, self.calls = hosts, list[Any]()

        def perform_request(
            self, method: str, url: str, params: Any = None, headers: Any = None, body: Any = None
        ) -> tuple[int, dict[str, Any]]:
            self.calls.append((method, url, params, headers, body))
            return 200, {}

    client = SplareOpenSearch(transport_class=Pretending)  # type: ignore[arg-type]
    client.index(index="a", id="1", body={"n": 1}, refresh=True)
    client.update(index="a", id="1", body={"doc": {"n": 2}})
    client.search(index="a", body={"query": {"match_all": {}}, "_source": False}, size=3)
    calls = [call for call in client.transport.calls if call[1] not in QUESTIONS]
    assert calls == [
        ("PUT", "/a/_doc/1", {"refresh": b"true"}, {}, {"n": 1}),
        ("POST", "/a/_update/1", {}, {}, {"doc": {"n": 2}}),
        ("POST", "/a/_search", {"size": "3"}, {}, {"query": {"match_all": {}}, "_source": False}),
    ]
