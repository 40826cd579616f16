import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opensearchpy import OpenSearch, Transport
from opensearchpy.serializer import JSONSerializer

from splare_os.search import SplareOpenSearch
from splare_os.search.request.request import Request, as_json
from splare_os.search.request.rewritten import Rewritten

from ..conftest import Library

QUESTIONS = {"/a/_mapping", "/a/_field_caps"}
"""Of the check of updates."""

BODY = {"query": {"splare": {"text": "the oil embargo"}}}


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
    assert bare.with_content(Rewritten(None, None), None).arguments == {}
    changed = bare.with_content(Rewritten({"a": 1}, {}), None)
    assert changed.arguments == {"params": {"a": 1}, "body": {}}
    full = Request("GET", "/", {"body": {"query": {}}, "params": {"a": 1}})
    assert full.with_content(Rewritten(None, None), None).arguments == {
        "body": None,
        "params": None,
    }


def test_parameters_of_the_address_are_parameters_and_stay_there_until_something_changes() -> None:
    raw = Request("GET", "/a/_search?_source=title%2Ca&pretty&size=3", {"params": {"size": b"5"}})
    params = {"_source": "title,a", "pretty": "", "size": b"5"}
    assert (raw.path, raw.params) == ("/a/_search", params)
    assert raw.with_content(Rewritten(raw.params, raw.body), None) is raw
    body = {"query": {"match_all": {}}}
    changed = raw.with_content(Rewritten(raw.params, body), None)
    assert (changed.url, changed.arguments) == ("/a/_search", {"params": params, "body": body})


def test_a_semicolon_stands_between_parameters_as_servers_have_it() -> None:
    raw = Request("GET", "/a/_search?size=1;_source=title&q=a%3Bb", {})
    assert raw.params == {"size": "1", "_source": "title", "q": "a;b"}


def test_parameters_that_a_transport_takes_out_are_there_when_it_is_sent_again() -> None:
    given = {"request_timeout": 3, "ignore": 404}
    request = Request("GET", "/a/_search", {"params": given})
    for _ in range(2):
        sent = dict(request.sending)
        assert sent["params"].pop("ignore") == 404
    assert given == {"request_timeout": 3, "ignore": 404}


def test_a_body_that_is_a_parameter_is_a_body_once_something_changes() -> None:
    text = '{"query": {"match_all": {}}}'
    source = {"source": text, "source_content_type": "application/json", "size": 3}
    raw = Request("GET", "/a/_search", {"params": source})
    assert (raw.params, raw.body) == ({"size": 3}, text)
    assert raw.with_content(Rewritten(raw.params, raw.body), None) is raw
    for made in (Rewritten({"size": 4}, text), Rewritten(raw.params, "{}")):
        sent = raw.with_content(made, None)
        assert sent.arguments == {"params": made.params, "body": made.body}
    assert Request("GET", "/a/_search", {"params": source, "body": "{}"}).body == "{}"


def test_a_rewritten_body_that_would_be_a_parameter_is_posted() -> None:
    search = Request("GET", "/a/_search", {"body": {"query": {}}})
    made = Rewritten(None, {"query": {"bool": {}}})
    lines = OpenSearch(send_get_body_as="source").transport
    assert search.with_content(made, lines).method == "POST"
    assert search.with_content(made, OpenSearch().transport).method == "GET"
    as_it_was = Rewritten(None, search.body)
    assert search.with_content(as_it_was, lines) == search


class Own(Transport):
    """A transport of an application's."""


class OwnSerializer(JSONSerializer):
    """A serializer of an application's."""


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, bytes),
        ({"transport_class": Own}, dict),
        ({"serializer": OwnSerializer()}, dict),
    ],
)
def test_a_body_is_written_where_nobody_but_opensearch_py_looks_at_it(
    options: dict[str, Any], kind: type
) -> None:
    client = SplareOpenSearch(**options)
    search = Request("POST", "/a/_search", {"body": {"query": {"splare": {"text": "oil"}}}})
    made = Rewritten(None, {"query": {"bool": {"boost": 1.5}}})
    sent = search.with_content(made, client.transport).body
    assert type(sent) is kind
    assert client.transport.serializer.dumps(sent) in (
        '{"query":{"bool":{"boost":1.5}}}',
        b'{"query":{"bool":{"boost":1.5}}}',
    )
    assert search.with_content(Rewritten(None, search.body), client.transport) == search


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
        max_leaves=20,
    )
)
def test_what_is_written_reads_as_opensearch_py_writes_it(value: Any) -> None:
    body, serializer = {"query": value}, JSONSerializer()
    found = as_json(body)
    theirs, ours = (json.loads(serializer.dumps(one)) for one in (body, found))
    assert repr(theirs) == repr(ours)  # where NaN is equal to itself


@pytest.mark.parametrize("value", [2**70, float("inf"), "\ud800", datetime(2026, 1, 1, tzinfo=UTC)])
def test_what_orjson_writes_otherwise_is_left_to_opensearch_py(value: object) -> None:
    body = {"query": [value]}
    assert as_json(body) is body


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


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("parameters", "has_impacts", "has_text"),
    [
        ("size=1", False, True),
        ("_source=true&size=1", False, True),
        ("_source=true&rest_total_hits_as_int", False, True),
        ("_source_includes=*&q=oil", False, True),
        ("_source=text_splare.impacts", True, False),
        ("_source=text", False, True),
        ("scroll=1m", True, True),
    ],
)
@pytest.mark.parametrize("body", [None, BODY, {"_source": ["*"]}])
def test_parameters_of_an_address_say_what_parameters_say(
    splare: SplareOpenSearch,
    library: Library,
    parameters: str,
    has_impacts: bool,  # noqa: FBT001
    has_text: bool,  # noqa: FBT001
    body: Any,
) -> None:
    url = f"/library/_search?{parameters}"
    reply = splare.transport.perform_request("GET", url, body=body)
    source = reply["hits"]["hits"][0]["_source"]
    assert ("impacts" in source.get("text_splare", {})) is has_impacts
    assert ("text" in source) is has_text
    assert isinstance(reply["hits"]["total"], int) is ("as_int" in parameters)
    if "scroll" in parameters:
        splare.clear_scroll(scroll_id=reply["_scroll_id"])


@pytest.mark.opensearch
def test_a_clause_may_stand_in_a_body_that_is_a_parameter(
    splare: SplareOpenSearch, library: Library
) -> None:
    source = {"source": json.dumps(BODY), "source_content_type": "application/json"}
    found = splare.search(index="library", params=source)
    assert found["hits"] == splare.search(index="library", body=BODY)["hits"]
