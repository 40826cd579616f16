"""What is noted of searches for which others are sent, and of the arms of rules."""

from collections.abc import Callable
from typing import Any

import pytest
from opensearchpy import OpenSearch

from splare_os.search import SearchLog, SplareOpenSearch
from splare_os.search.log.search_log import Entry
from splare_os.search.log.watching import SearchWatch
from splare_os.search.request.request import Request
from splare_os.search.request.rewritten import Rewritten
from splare_os.search.rules import LogOptions, Rule, Rules
from tests.search.conftest import Library

WORDS = {"query": {"match": {"text": "oil"}}}
LATENTS = {"query": {"rank_feature": {"field": "text_splare.impacts.7", "linear": {}}}}
REPLY = {"took": 3, "hits": {"total": {"value": 5}, "hits": [{}]}}


Answer = Callable[[Request], tuple[Rewritten, Any]]


def watched(watch: SearchWatch, request: Request, answer: Answer) -> Any:
    """Return the reply of a request that is watched, as transports do it."""
    with watch.watching() as one:
        made, reply = answer(request)
    watch.note(one, request, made, reply)
    return reply


class Written:
    """What would be written."""

    def __init__(self, **options: Any) -> None:
        self.options, self.entries = SearchLog(**options), list[Entry]()
        self.client, self.dropped = OpenSearch(), list[str]()

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)

    def drop(self, why: str) -> None:
        self.dropped.append(why)


def asked(body: Any, url: str = "/papers/_search", **more: Any) -> Request:
    return Request("POST", url, {"body": body, **more})


def test_a_search_for_which_another_is_sent_is_one_and_hybrid() -> None:
    written = Written()
    watch = SearchWatch(written)  # type: ignore[arg-type]

    def second(request: Request) -> tuple[Rewritten, Any]:
        return Rewritten(None, request.body), REPLY

    def first(request: Request) -> tuple[Rewritten, Any]:
        assert watched(watch, asked(LATENTS), second) is REPLY
        return Rewritten(None, request.body, arm="treatment"), REPLY

    assert watched(watch, asked(WORDS, headers={"x-splare-arm": "b"}), first) is REPLY
    assert watched(watch, asked(LATENTS), second) is REPLY
    told = [(one["route"], one["arm"], one["query"] is None) for one in written.entries]
    assert told == [("hybrid", "treatment", False), ("splare", None, True)]


def test_after_a_search_that_fails_the_next_one_is_noted() -> None:
    written = Written()
    watch = SearchWatch(written)  # type: ignore[arg-type]

    def fails(_: Request) -> tuple[Rewritten, Any]:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        watched(watch, asked(WORDS), fails)
    watched(watch, asked(WORDS), lambda one: (Rewritten(None, one.body), REPLY))
    assert len(written.entries) == 1


def test_a_reply_that_nobody_can_read_fails_no_search() -> None:
    written = Written()
    watch = SearchWatch(written)  # type: ignore[arg-type]
    strange = {"hits": 7}
    assert watched(watch, asked(WORDS), lambda one: (Rewritten(None, one.body), strange)) is strange
    assert not written.entries
    assert len(written.dropped) == 1


@pytest.mark.parametrize(
    ("body", "filter_path", "reply", "is_zero"),
    [
        (WORDS, None, {"hits": {"total": {"value": 0}, "hits": []}}, True),
        (WORDS, None, {"hits": {"total": 7, "hits": []}}, False),
        (WORDS, "hits.hits._id", {}, True),
        (WORDS, "hits.hits._id", {"hits": {"hits": [{"_id": "a"}]}}, False),
        (WORDS, "hits.hits._source", {}, None),
        (WORDS, "hits.max_score", {"hits": {"max_score": 2.0}}, None),
        (WORDS, "took", {"took": 3}, None),
        (WORDS | {"size": 0}, None, {"hits": {"hits": []}}, None),
        (WORDS | {"from": 10}, None, {"hits": {"hits": []}}, None),
    ],
)
def test_a_search_found_nothing_where_its_reply_says_so(
    body: Any, filter_path: str | None, reply: Any, *, is_zero: bool | None
) -> None:
    written = Written()
    params = {"filter_path": filter_path} if filter_path else {}
    search = asked(body, params=params)
    watched(SearchWatch(written), search, lambda one: (Rewritten(None, one.body), reply))  # type: ignore[arg-type]
    assert [one["zero_hits"] for one in written.entries] == [is_zero]


def test_answers_of_an_msearch_are_noted_where_it_is_known_whose_they_are() -> None:
    written = Written()
    lines = '{}\n{"query":{"match":{"a":"oil"}}}\n{}\n{"query":{"match":{"a":"war"}}}\n'
    watch = SearchWatch(written)  # type: ignore[arg-type]
    for replies in ([REPLY], [REPLY, {"status": 404}], [{"error": {}}, REPLY]):
        several = asked(lines, "/papers/_msearch")
        reply = {"responses": replies}
        watched(watch, several, lambda one, reply=reply: (Rewritten(None, one.body), reply))
    assert len({one["query"] for one in written.entries}) == len(written.entries) == 2
    assert len(written.dropped) == 1


@pytest.mark.opensearch
@pytest.mark.parametrize(("mode", "route"), [("hybrid", "hybrid"), ("rescore", "rescored")])
def test_the_arm_of_a_rule_is_noted_and_its_second_search_is_none_of_its_own(
    library: Library, cluster_url: str, client: OpenSearch, index: str, mode: Any, route: str
) -> None:
    rule = Rule("r", (library.index,), ("text",), mode=mode, percentage=50, header="x-user")
    log = SearchLog(index=f"{index}-log")
    with SplareOpenSearch(
        cluster_url,
        encoder=library.encoder,
        rules=Rules((rule,), LogOptions()),
        search_log=log,
    ) as splare:
        for n in range(8):
            headers = {"x-user": f"user-{n}"}
            splare.search(index=library.index, body=WORDS, headers=headers)
    client.indices.refresh(index=log.index)
    hits = client.search(index=log.index, body={"size": 100})["hits"]["hits"]
    told = [(hit["_source"]["arm"], hit["_source"]["route"]) for hit in hits]
    assert len(told) == 8
    assert set(told) == {("control", "bm25"), ("treatment", route)}
