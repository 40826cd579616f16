"""The statistics that a worker keeps while it writes, and at its end."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from opensearchpy import AuthorizationException, OpenSearch

from splare_os.errors import StatisticsError
from splare_os.index import (
    BackfillOptions,
    IngestOptions,
    backfill,
    ingest,
    set_testing,
    tally,
)
from splare_os.index.counting import count_statistics
from splare_os.layout.statistics import Kept, keep_statistics, kept_statistics
from splare_os.statistics import Statistics
from tests.hashing import HashEncoder
from tests.index.faults import first, in_part
from tests.index.proxy import Proxy

pytestmark = pytest.mark.opensearch

FIELD = "text_splare"
TEXTS = ["ants bees", "ants", "bees wasps", "", "honey ants nest"]


@pytest.fixture
def run(client, index, encoder, write, tmp_path):
    def ingest_all(lines, name="docs.jsonl", **options):
        options = {"state_folder": tmp_path / "state"} | options
        running = ingest(client, encoder, [write(lines, name)], IngestOptions(index, **options))
        return list(running)

    return ingest_all


def lines(texts):
    return [{"_id": str(n), "text": text} for n, text in enumerate(texts)]


def kept(client, index) -> Statistics:
    return kept_statistics(client, [index], FIELD)[index].statistics


def assert_equal(found: Statistics, true: Statistics) -> None:
    assert found.documents == true.documents
    assert found.document_frequency.tolist() == true.document_frequency.tolist()
    assert found.length == pytest.approx(true.length, rel=1e-3)


def test_a_new_index_has_the_statistics_of_its_documents(client, index, encoder, run):
    run(lines(TEXTS))
    assert_equal(kept(client, index), Statistics.of(encoder.encode_documents(TEXTS)))


def test_what_is_changed_counts_as_it_is_now(client, index, encoder, run):
    run(lines(TEXTS))
    now = ["queen", *TEXTS[1:], "queen dance"]
    run(lines(now), "changed.jsonl")
    assert_equal(kept(client, index), Statistics.of(encoder.encode_documents(now)))


def test_a_small_change_is_counted_and_not_taken_from_the_index(
    client, index, encoder, run, monkeypatch
):
    texts = [f"word{n} ants" for n in range(40)]
    run(lines(texts))
    monkeypatch.setattr(tally, "take_statistics", None)
    texts[3] = "queen bees"
    run(lines(texts), "changed.jsonl")
    assert_equal(kept(client, index), Statistics.of(encoder.encode_documents(texts)))


def test_jobs_that_share_an_index_leave_the_statistics_of_all(
    client, index, encoder, write, tmp_path
):
    texts = [f"word{n} ants" for n in range(40)]
    runs = [
        ingest(
            client,
            encoder,
            [write(lines(texts)[half::2], f"{half}.jsonl")],
            IngestOptions(index, chunk_documents=4, state_folder=tmp_path / "state"),
        )
        for half in (0, 1)
    ]
    for _ in zip(*runs, strict=True):  # by turns: each has begun before the other is done
        pass
    assert_equal(kept(client, index), Statistics.of(encoder.encode_documents(texts)))


def test_what_a_killed_run_had_not_kept_is_counted_by_the_next(
    client, index, encoder, run, monkeypatch
):
    texts = [f"word{n} ants" for n in range(100)]
    run(lines(texts))
    whole = Statistics.of(encoder.encode_documents(texts))
    lost = Kept(whole.scaled(90), encoder.fingerprint, datetime.now(UTC))
    keep_statistics(client, index, FIELD, lost)  # as if killed before it kept the last ten
    run(lines(texts))
    assert_equal(kept(client, index), whole)


def test_a_sample_that_is_counted_on_stays_one(client, index, encoder, run):
    texts = [f"word{n} ants" for n in range(40)]
    run(lines(texts))
    known = kept_statistics(client, [index], FIELD)[index]
    keep_statistics(client, index, FIELD, replace(known, sampled=30))
    run(lines(["queen"]), "changed.jsonl")
    assert kept_statistics(client, [index], FIELD)[index].sampled == 30


def test_an_id_on_two_lines_is_counted_once_at_the_end(client, index, encoder, run):
    twice = [{"_id": "0", "text": "ants"}, {"_id": "0", "text": "bees"}]
    run(twice, chunk_documents=1)
    assert_equal(kept(client, index), Statistics.of(encoder.encode_documents(["bees"])))


def test_an_index_whose_statistics_are_gone_gets_them_again(client, index, run):
    run(lines(TEXTS))
    client.delete(index=".splare-statistics", id=f"{index}/{FIELD}")
    run(lines(TEXTS), "again.jsonl")
    assert_equal(kept(client, index), count_statistics(client, index, FIELD, 512))


def test_dead_documents_do_not_count(client, index, encoder, run):
    client.indices.create(index=index, body={"mappings": {"properties": {"n": {"type": "short"}}}})
    run([{"_id": "a", "text": "ants", "n": 1}, {"_id": "b", "text": "ants bees", "n": "x"}])
    assert_equal(kept(client, index), Statistics.of(encoder.encode_documents(["ants"])))


def test_they_are_kept_while_documents_come(client, index, run, monkeypatch):
    seen = []
    monkeypatch.setattr(tally, "LEAST_PAUSE_S", 0.0)
    monkeypatch.setattr(
        tally, "keep_statistics", lambda *args: seen.append(args[-1].statistics.documents)
    )
    run(lines(TEXTS * 4), chunk_documents=4)
    assert seen == [4, 8, 12, 16, 20, 20]


def test_an_index_made_anew_starts_with_none(
    client, index, encoder, run, write, tmp_path, monkeypatch
):
    run(lines(TEXTS))
    client.indices.delete(index=index)
    monkeypatch.setattr(tally, "LEAST_PAUSE_S", np.inf)
    texts = [f"word{n}" for n in range(8)]
    options = IngestOptions(index, chunk_documents=1, state_folder=tmp_path / "state")
    running = iter(ingest(client, encoder, [write(lines(texts), "other.jsonl")], options))
    next(running)
    assert not kept_statistics(client, [index], FIELD)  # not those of the index before
    list(running)
    assert_equal(kept(client, index), Statistics.of(encoder.encode_documents(texts)))


def test_statistics_that_cannot_be_read_are_taken_at_the_end(
    client, index, encoder, run, caplog, monkeypatch
):
    run(lines(TEXTS))

    def refuse(*_):
        raise StatisticsError("cannot be read")

    with monkeypatch.context() as patch:
        patch.setattr(tally, "kept_statistics", refuse)
        run(lines([*TEXTS, "queen"]), "more.jsonl")
    assert "cannot be read; they are taken anew at the end" in caplog.text
    now = [*TEXTS, "queen"]
    assert_equal(kept(client, index), Statistics.of(encoder.encode_documents(now)))


def test_a_cluster_that_takes_no_statistics_takes_documents(run, caplog, monkeypatch):
    def refuse(*_):
        raise AuthorizationException(403, "security_exception", {})

    monkeypatch.setattr(tally, "keep_statistics", refuse)
    outcomes = run(lines(TEXTS))
    assert {outcome.status for outcome in outcomes} == {"indexed", "empty"}
    assert "cannot be kept" in caplog.text


def test_the_statistics_of_another_model_are_not_counted_on(client, index, encoder, run):
    run(lines(TEXTS))
    theirs = Kept(Statistics(9, np.ones(512), 1.0), "f" * 16, datetime.now(UTC))
    keep_statistics(client, index, FIELD, theirs)
    now = [*TEXTS, "queen"]
    run(lines(now), "more.jsonl")
    assert_equal(kept(client, index), Statistics.of(encoder.encode_documents(now)))


def test_a_count_in_part_at_the_start_ends_no_run(client, cluster_url, index, tmp_path):
    client.index(index=index, id="a", body={"text": "ants"}, params={"refresh": "true"})
    rule = first(1, in_part, ["POST _search"])
    with set_testing(), Proxy(cluster_url, rule) as proxy, OpenSearch(proxy.url) as through:
        run = backfill(through, HashEncoder(), BackfillOptions(index, state_folder=tmp_path))
        assert [one.status for one in run] == ["indexed"]
