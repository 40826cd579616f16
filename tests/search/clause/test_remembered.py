import gc
from typing import Any

import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.search import SplareOpenSearch
from splare_os.search.clause.clause import Clause
from splare_os.search.clause.remembered import Question, Remembered, n_bytes
from splare_os.search.query import steps
from splare_os.search.rewrite.rewrite import Rewriter
from splare_os.statistics import Statistics

from ..conftest import Library


class Source:
    """Something that translations are made of."""


class Maker:
    """Makes another translation at each call."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self) -> dict[str, Any]:
        self.n += 1
        return {"bool": {"should": [self.n]}}


def question(query: str = "oil", **more: Any) -> Question:
    return Question(Clause("text", query), "text_splare", 0.7, **more)


def test_what_is_made_of_the_same_is_made_once_and_is_the_callers_own() -> None:
    remembered, sources, make = Remembered(10_000), (Source(), Source()), Maker()
    first = remembered(question(), sources, make)
    first["bool"]["should"].append("an application's own")
    again = remembered(question(), sources, make)
    again["bool"]["filter"] = []
    assert remembered(question(), sources, make) == {"bool": {"should": [1]}}
    assert make.n == 1


def test_another_question_and_another_source_are_made_anew() -> None:
    remembered, query, make = Remembered(100_000), Source(), Maker()
    remembered(question(), [query, Source()], make)  # its source is gone at once
    gc.collect()
    known = Source()
    asked: list[tuple[Question, list[object]]] = [
        (question(), [query, known]),
        (question(), [query]),
        (question(), [Source(), known]),
        (question(steps=steps.Steps()), [query, known]),
        (question("war"), [query, known]),
    ]
    for one, sources in asked:
        made = make.n
        assert remembered(one, sources, make) == {"bool": {"should": [made + 1]}}
    assert make.n == 6


def test_those_that_were_asked_for_longest_ago_are_forgotten() -> None:
    size = n_bytes(question("a"), b'{"bool":{"should":[1]}}')
    remembered, sources, make = Remembered(2 * size), [Source()], Maker()
    for query in ("a", "b", "a", "c", "a"):
        remembered(question(query), sources, make)
    assert make.n == 3
    remembered(question("b"), sources, make)
    assert make.n == 4
    for query in ("a", "c"):
        remembered(question(query), [Source()], make)  # in place of what there was
    assert remembered._n_bytes == 2 * size


def test_nothing_is_remembered_where_that_is_asked_for() -> None:
    remembered, sources, make = Remembered(0), [Source()], Maker()
    assert [remembered(question(), sources, make) for _ in range(2)] == [
        {"bool": {"should": [1]}},
        {"bool": {"should": [2]}},
    ]


def test_a_name_that_is_none_in_utf_8_is_not_remembered() -> None:
    made = {"bool": {"_name": "\ud800"}}
    remembered = Remembered(10_000)
    assert remembered(question(), [Source()], lambda: made) is made
    assert remembered._n_bytes == 0


OPTIONS: list[dict[str, Any]] = [
    {},
    {"boost": 2.5, "_name": "latents"},
    {"min_score": 0.1},
    {"scoring": "dot"},
    {"top_k": 3},
    {"mass": 0.6, "drop_ratio": 0.1},
    {"steer": {"boost": {"3": 2.0}, "mute": [5], "add": {"9": 0.5}}},
    {"like": {"_id": "d3"}, "unlike": "river"},
]


def bodies(options: dict[str, Any]) -> list[dict[str, Any]]:
    clause = {"splare": {"text": {"query": "the oil embargo of the war", **options}}}
    ext = {"splare": {"two_step": {"window": 60, "part": 0.5}}}
    two = [] if "min_score" in options else [{"query": clause, "ext": ext, "profile": True}]
    beside = {"bool": {"should": [clause, {"match": {"text": "oil"}}, clause]}}
    return [{"query": clause}, {"query": beside, "size": 3}, *two]


def rewriter(client: OpenSearch) -> Rewriter:
    found: Rewriter = client.transport.rewriter
    return found


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("options", "index"),
    [
        (one, index)
        for one in OPTIONS
        for index in ("library", "plain-library")
        if index != "library" or one.get("scoring") != "dot"  # which keeps saturated impacts
    ],
)
def test_what_is_remembered_is_what_would_be_made(
    library: Library,
    cluster_url: str,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    index: str,
) -> None:
    monkeypatch.setattr(steps, "PAYS_FROM", 0)
    monkeypatch.setattr(steps, "FEWEST", 2)
    clients = [
        SplareOpenSearch(cluster_url, encoder=library.encoder, **more)
        for more in ({}, {"query_cache_bytes": 0})
    ]
    for body in bodies(options):
        made = [
            rewriter(client).rewrite(f"/{index}/_search", {}, body).body
            for client in (*clients, *clients)
        ]
        assert made[0] == made[1] == made[2] == made[3]
        assert "splare" not in str(made[0]["query"]).replace("text_splare", "")
    for client in clients:
        client.close()


@pytest.mark.opensearch
def test_statistics_that_are_read_anew_weigh_what_was_remembered(
    library: Library, splare: SplareOpenSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"query": {"splare": {"text": "the oil embargo of the war"}}}

    def made() -> Any:
        return rewriter(splare).rewrite(f"/{library.index}/_search", {}, body).body["query"]

    before = made()
    assert made() == before
    monkeypatch.setattr(
        Statistics, "idf", lambda self: np.linspace(1, 2, len(self.document_frequency))
    )
    assert made() == before  # not yet
    splare.transport.rewriter._collection._known.clear()  # type: ignore[attr-defined]  # as time does
    assert made() != before
