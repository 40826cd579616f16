from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch
from opensearchpy.exceptions import OpenSearchException

from splare_os.connection import Connection, open_client
from splare_os.errors import MappingError, ReplyError, SplareError
from splare_os.impacts import Impacts
from splare_os.index import IngestOptions, ingest
from splare_os.scoring import Scoring
from splare_os.search import Fusion, Hybrid, SearchOptions, search
from splare_os.search.query import steps
from splare_os.search.query.steps import Plan, Steps, plan
from tests.hashing import HashEncoder
from tests.index import faults
from tests.index.chaos import proxied
from tests.index.faults import first

from ..conftest import Library, SpanCounter

pytestmark = pytest.mark.opensearch


def test_hits_come_best_first_without_impacts(client: OpenSearch, library: Library) -> None:
    hits = search(client, library.encoder, "library", "oil war", SearchOptions(size=7))
    best = sorted(library.scores("oil war").values(), reverse=True)[:7]
    assert [hit.score for hit in hits] == pytest.approx(best, rel=1e-5)
    assert all(hit.source["text"] == library.texts[hit.id] for hit in hits)
    assert all("impacts" not in hit.source["text_splare"] for hit in hits)
    assert all(hit.texts == (library.texts[hit.id],) for hit in hits)


def test_two_step_gives_exact_scores_to_what_it_finds(
    client: OpenSearch, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "PAYS_FROM", 0)
    options = SearchOptions(size=5, two_step=True)
    hits = search(client, library.encoder, "library", "oil war", options)
    exact = library.scores("oil war")
    assert {hit.id: hit.score for hit in hits} == pytest.approx(
        {hit.id: exact[hit.id] for hit in hits}, rel=1e-5
    )


@pytest.mark.parametrize(
    ("options", "window"),
    [
        (SearchOptions(start=590, size=10, two_step=True), 600),
        (SearchOptions(size=5, two_step=True, hybrid=Hybrid(Fusion(depth=700))), 700),
    ],
)
def test_what_is_scored_anew_reaches_to_the_last_hit_that_counts(
    client: OpenSearch,
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    options: SearchOptions,
    window: int,
) -> None:
    asked = list[Steps]()

    def noted(weights: Impacts, steps: Steps, *rest: Any) -> Plan:
        asked.append(steps)
        return plan(weights, steps, *rest)

    monkeypatch.setattr("splare_os.search.hits.hits.plan", noted)
    search(client, library.encoder, "library", "oil war", options)
    assert [steps.window for steps in asked] == [window]


def test_an_explanation_adds_up_to_the_score_and_names_words(
    client: OpenSearch, library: Library
) -> None:
    query = "the oil war"
    for hit in search(client, library.encoder, "library", query, SearchOptions(explain=True)):
        assert sum(match.score for match in hit.matches) == pytest.approx(hit.score, rel=1e-5)
        assert sum(match.share for match in hit.matches) == pytest.approx(1.0)
        assert hit.text == hit.source["text"]
        assert {match.query_text for match in hit.matches} <= set(query.split())
        assert {match.document_text for match in hit.matches} <= set(hit.source["text"].split())


@pytest.mark.parametrize("size", [1, 7])
def test_the_words_of_all_hits_cost_one_call_and_the_querys_another(
    client: OpenSearch, library: Library, size: int
) -> None:
    counter = SpanCounter(library.encoder)
    options = SearchOptions(size=size, explain=True)
    hits = search(client, counter, "library", "the oil war", options)
    assert counter.calls == [(1, True), (size, False)]
    assert hits == search(client, library.encoder, "library", "the oil war", options)


def test_shares_alone_cost_no_encoding_of_hits(client: OpenSearch, library: Library) -> None:
    counter = SpanCounter(library.encoder)
    options = SearchOptions(explain=True, places=False)
    hits = search(client, counter, "library", "the oil war", options)
    assert counter.calls == [(1, True)]
    whole = search(client, library.encoder, "library", "the oil war", SearchOptions(explain=True))
    assert [[one.share for one in hit.matches] for hit in hits] == [
        [one.share for one in hit.matches] for hit in whole
    ]
    assert {match.document_span for hit in hits for match in hit.matches} == {None}


def test_hits_of_a_model_without_spans_are_explained_without_words(
    client: OpenSearch, index: str, write: Callable[..., str], tmp_path: Path
) -> None:
    hashed = HashEncoder()
    options = IngestOptions(index, state_folder=tmp_path)
    lines = [{"_id": "a", "text": "oil war"}, {"_id": "b", "text": "war"}]
    assert len(list(ingest(client, hashed, [write(lines)], options))) == 2
    hits = search(client, hashed, index, "oil", SearchOptions(explain=True))
    found = [match.score for hit in hits for match in hit.matches]
    assert found == pytest.approx([hit.score for hit in hits])
    assert {(match.query_text, match.document_text) for match in hits[0].matches} == {("", "")}


def test_an_index_that_is_not_there_is_named(client: OpenSearch, library: Library) -> None:
    with pytest.raises(MappingError, match="no index 'nowhere'"):
        search(client, library.encoder, "nowhere", "oil", SearchOptions())


def test_an_index_without_impacts_is_refused(client: OpenSearch, library: Library) -> None:
    client.indices.create(index="plain")
    with pytest.raises(MappingError, match="'plain' has impacts for no field"):
        search(client, library.encoder, "plain", "oil", SearchOptions())


def test_no_hits_at_all_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="size=0"):
        SearchOptions(size=0)


@pytest.mark.parametrize(
    ("index", "scoring"), [("library", "calibrated"), ("plain-library", "dot")]
)
def test_two_step_and_its_explanation_add_up_in_either_scoring(
    client: OpenSearch, library: Library, index: str, scoring: Scoring
) -> None:
    options = SearchOptions(size=5, two_step=True, explain=True, scoring=scoring)
    for hit in search(client, library.encoder, index, "the oil war", options):
        shares = sum(match.score for match in hit.matches)
        assert shares == pytest.approx(hit.score, rel=1e-5)


def test_an_explanation_of_impacts_that_the_cluster_saturates_adds_up(
    client: OpenSearch, library: Library
) -> None:
    options = SearchOptions(size=5, explain=True)
    for hit in search(client, library.encoder, library.plain, "the oil war", options):
        assert sum(match.score for match in hit.matches) == pytest.approx(hit.score, rel=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        SearchOptions(size=5, two_step=True),
        SearchOptions(size=5, hybrid=Hybrid()),
        SearchOptions(size=5, hybrid=Hybrid(native=True)),
    ],
)
def test_an_index_that_serves_fewer_hits_at_once_is_told_with_what_helps(
    client: OpenSearch,
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    options: SearchOptions,
) -> None:
    monkeypatch.setattr(steps, "PAYS_FROM", 0)
    client.indices.put_settings(index="library", body={"max_result_window": 50})
    try:
        narrow = r"index 'library' serves fewer hits.*window.*smaller `depth`"
        with pytest.raises(MappingError, match=narrow):
            search(client, library.encoder, "library", "oil war", options)
        fewer = SearchOptions(size=5, hybrid=Hybrid(Fusion(depth=50)))
        assert len(search(client, library.encoder, "library", "oil war", fewer)) == 5
    finally:
        client.indices.put_settings(index="library", body={"max_result_window": None})


@pytest.mark.parametrize("hybrid", [None, Hybrid()])
@pytest.mark.parametrize("depth", range(5))
def test_a_reply_of_nulls_is_an_error_of_ours_or_of_the_client(
    cluster_url: str, library: Library, depth: int, hybrid: Hybrid | None
) -> None:
    options = SearchOptions(size=7, hybrid=hybrid)
    for kind in ("GET _mapping", "POST _search", "POST _msearch", "POST _field_caps"):
        rule = first(99, faults.nulls(depth), [kind])
        with (
            proxied(cluster_url, rule) as proxy,
            open_client(Connection((proxy.url,))) as through,
            suppress(SplareError, OpenSearchException),
        ):
            search(through, library.encoder, "library", "oil war", options)


@pytest.mark.parametrize("hybrid", [None, Hybrid(), Hybrid(native=True)])
def test_hits_of_some_shards_alone_are_none(
    client: OpenSearch,
    library: Library,
    with_one_down: Callable[[str], str],
    hybrid: Hybrid | None,
) -> None:
    names = with_one_down(library.index)
    with pytest.raises(ReplyError, match=f"'{names}': not all of its shards answer"):
        search(client, library.encoder, names, "oil war", SearchOptions(hybrid=hybrid))
