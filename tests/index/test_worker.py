import json
import os
from collections import Counter
from pathlib import Path

import pytest
from opensearchpy import TransportError

from splare_os.documents.fields import Fields
from splare_os.errors import BulkError, JobError, ModelMismatchError
from splare_os.impacts import stored, to_features
from splare_os.index import BulkOptions, IngestOptions, Patience, ingest
from splare_os.layout import DocumentCut
from splare_os.layout.field import digest
from splare_os.scoring import K1, Saturation
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

WORDS = ["ants", "bees", "wasps", "carry", "leaves", "honey", "nest", "sting", "dance", "queen"]


def corpus(n: int) -> list[dict[str, object]]:
    """Documents whose texts differ; every tenth is empty."""
    return [
        {"_id": f"d{k}", "title": f"t{k}", "text": f"{WORDS[k % 10]} {WORDS[k // 10 % 10]} n{k}"}
        | ({"title": "", "text": ""} if k % 10 == 9 else {})
        for k in range(n)
    ]


@pytest.fixture
def run(client, index, tmp_path):
    """Run the worker to its end and return its counts."""

    def ingest_all(*sources, encoder=None, **options):
        options = {"state_folder": tmp_path / "state"} | options
        running = ingest(client, encoder or HashEncoder(), sources, IngestOptions(index, **options))
        outcomes = list(running)
        counts = Counter(outcome.status for outcome in outcomes)
        assert running.n_done_before + len(outcomes) == sum(running.counts.values())
        if not running.n_done_before:
            assert {status: n for status, n in running.counts.items() if n} == dict(counts)
        return running, outcomes

    return ingest_all


def contents(client, index) -> dict[str, object]:
    hits = client.search(index=index, body={"size": 10_000})["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def some(running) -> dict[str, int]:
    return {status: n for status, n in running.counts.items() if n}


def test_every_document_is_stored_and_found_at_once(client, index, run, write):
    lines = corpus(30)
    running, outcomes = run(write(lines, "docs.jsonl.gz"))
    assert some(running) == {"indexed": 27, "empty": 3}
    assert [(outcome.id, outcome.line) for outcome in outcomes] == [
        (f"d{k}", k + 1) for k in range(30)
    ]
    found = contents(client, index)
    assert found.keys() == {line["_id"] for line in lines}
    encoder = HashEncoder()
    saturation = Saturation(K1)
    impacts = stored(saturation.of(encoder.encode_documents(["t1 bees ants n1"])))
    assert found["d1"] == {
        "title": "t1",
        "text": "bees ants n1",
        "text_splare": {
            "impacts": pytest.approx(to_features(impacts)),
            "latents": list(to_features(impacts)),
            "count": 4,
            "length": 2.0,
            "digest": digest("t1 bees ants n1", encoder.fingerprint, DocumentCut(400), saturation),
        },
    }


def test_a_second_run_finds_all_unchanged_and_encodes_nothing(run, write):
    source, encoder = write(corpus(30)), HashEncoder()
    run(source)
    running, _ = run(source, encoder=encoder)
    assert some(running) == {"unchanged": 30}
    assert encoder.batches == []


def test_only_what_changed_is_written(client, index, run, write):
    lines = corpus(30)
    run(write(lines))
    lines[3] |= {"text": "hornets"}
    lines[4] |= {"year": 1999}
    running, outcomes = run(write(lines))
    assert some(running) == {"indexed": 2, "unchanged": 28}
    assert [outcome.id for outcome in outcomes if outcome.status == "indexed"] == ["d3", "d4"]
    assert contents(client, index)["d4"]["year"] == 1999


def test_chunked_equals_whole(client, index, run, write):
    lines = [*corpus(40), *corpus(7), b"{", {"_id": "late", "text": "honey"}]
    whole, outcomes = run(write(lines))
    before = contents(client, index)
    client.indices.delete(index=index)
    options = {"chunk_documents": 3, "bulk": BulkOptions(max_actions=2, most_requests=3)}
    chunked, in_parts = run(write(lines), **options)
    assert in_parts == outcomes
    assert chunked.counts == whole.counts
    assert contents(client, index) == before
    assert chunked.counts["dead"] == 1


def test_the_later_line_of_an_id_wins_and_is_replaced(client, index, run, write):
    lines = [{"_id": "a", "text": f"version {n}"} for n in range(7)]
    running, _ = run(write(lines), chunk_documents=3)
    assert some(running) == {"indexed": 1, "replaced": 6}
    assert contents(client, index)["a"]["text"] == "version 6"


def test_an_id_of_an_earlier_file_is_replaced_too(client, index, run, write):
    first = write([{"_id": "a", "text": "one"}], "1.jsonl")
    second = write([{"_id": "a", "text": "two"}, {"_id": "b", "text": "b"}], "2.jsonl")
    running, outcomes = run(first, second)
    assert some(running) == {"indexed": 2, "replaced": 1}
    assert [Path(outcome.source).name for outcome in outcomes] == ["1.jsonl", "2.jsonl", "2.jsonl"]
    assert contents(client, index)["a"]["text"] == "two"


def test_each_bad_document_has_its_outcome_and_its_reason_and_the_run_goes_on(
    client, index, run, write
):
    big = " ".join(f"w{n}" for n in range(150_000))
    assert len(big) > 2**20 - 10_000
    lines = [
        {"_id": "empty", "title": "", "text": ""},
        b'{"_id": "broken", "text": ',
        {"_id": "big", "text": big},
        {"_id": "twice", "text": "one"},
        {"_id": "twice", "text": "two"},
        {"_id": "x" * 600, "text": "long id"},
        {"text": "no id"},
        {"_id": "number", "text": 5},
        {"_id": "meta", "_index": "elsewhere", "text": "x"},
        {"_id": "own", "text": "x", "text_splare": {}},
        {"_id": "secret", "text": "xyzzy"},
        {"_id": "last", "text": "fine"},
    ]
    running, outcomes = run(write(lines))
    assert [outcome.status for outcome in outcomes] == [
        *[
            "empty",
            "dead",
            "indexed",
            "indexed",
            "replaced",
            "dead",
            "dead",
            "dead",
            "dead",
            "dead",
        ],
        *["dead", "indexed"],
    ]
    assert contents(client, index).keys() == {"empty", "big", "twice", "last"}
    reasons = {outcome.line: outcome.reason for outcome in outcomes if outcome.status == "dead"}
    assert reasons[2].startswith("invalid JSON: ")
    assert reasons[6] == "id of 600 bytes: the cluster takes at most 512"
    assert reasons[7] == "no id: the key '_id' is missing or null"
    assert reasons[8] == "field 'text' is a number: it has to be a string, or some"
    assert "[_index] is a metadata field" in reasons[9]
    assert "has a field 'text_splare' of its own" in reasons[10]
    assert reasons[11] == "cannot be encoded: ValueError: a word that nobody can read"
    letters = [json.loads(line) for line in running.dead_letters.read_bytes().splitlines()]
    assert {letter["line"]: letter["reason"] for letter in letters} == reasons
    assert letters[0]["document"] == '{"_id": "broken", "text":'
    assert {letter["line"]: letter["status"] for letter in letters if "status" in letter} == {
        9: 400
    }


def test_an_empty_document_has_no_impacts(client, index, run, write):
    run(write([{"_id": "a"}]))
    ours = contents(client, index)["a"]["text_splare"]
    assert ours == {
        "count": 0,
        "digest": digest("", HashEncoder().fingerprint, DocumentCut(400), Saturation(K1)),
    }


def test_fields_can_be_called_otherwise(client, index, run, write):
    fields = Fields(text="body", title="headline", id="key")
    line = {"key": 7, "headline": "Ants", "body": "carry leaves"}
    run(write([line]), fields=fields, top_k=2)
    document = contents(client, index)["7"]
    assert document.pop("body_splare")["count"] == 2
    assert document == line
    query = {"query": {"match": {"content": "ant leaf"}}}
    assert client.count(index=index, body=query)["count"] == 1


def test_another_cut_is_a_change(run, write):
    source = write(corpus(9))
    run(source)
    assert some(run(source, top_k=2)[0]) == {"indexed": 9}


def test_another_model_is_refused(run, write):
    source = write(corpus(3))
    run(source)
    with pytest.raises(ModelMismatchError, match="Another version of 'hash' made it"):
        run(source, encoder=HashEncoder(fingerprint="f" * 16))


def test_an_alias_is_written_through(client, index, run, write):
    client.indices.create(index=f"{index}-1", body={"aliases": {index: {}}})
    assert some(run(write(corpus(9)))[0]) == {"indexed": 9}
    assert client.count(index=f"{index}-1")["count"] == 9


def test_a_broken_run_goes_on_where_it_stopped(client, index, run, write):
    lines = [*corpus(20), b"{", *corpus(3)]
    source = write(lines)
    client.indices.create(index=index)
    outcomes = iter(start(client, index, source))
    for _ in range(7):
        next(outcomes)
    block(client, index, is_on=True)
    with pytest.raises(BulkError, match="Lift the block"):
        list(outcomes)
    block(client, index, is_on=False)
    running, outcomes = run(source, chunk_documents=2, bulk=BulkOptions(most_requests=1))
    assert 7 <= running.n_done_before < len(lines)
    assert outcomes[-1].line == len(lines)
    assert running.counts["replaced"] == 3
    assert running.counts["dead"] == 1
    assert sum(running.counts.values()) == len(lines)
    assert len(contents(client, index)) == 20


def start(client, index, source, encoder=None):
    folder = Path(source).parent / "state"
    options = IngestOptions(
        index, state_folder=folder, chunk_documents=2, bulk=BulkOptions(most_requests=1)
    )
    return ingest(client, encoder or HashEncoder(), [source], options)


def block(client, index, *, is_on: bool) -> None:
    client.indices.put_settings(index=index, body={"index.blocks.write": is_on or None})


def test_a_run_that_is_left_goes_on_where_it_was_left(client, index, run, write):
    source = write(corpus(40))
    outcomes = iter(start(client, index, source))
    seen = [next(outcomes) for _ in range(5)]
    outcomes.close()
    running, rest = run(source)
    assert running.n_done_before >= len(seen)
    assert rest[-1].line == 40
    assert some(running) == {"indexed": 36, "empty": 4}
    assert len(contents(client, index)) == 40


class Interrupted(HashEncoder):
    """Meets Ctrl-C at its fourth batch."""

    def encode_documents(self, texts):
        if len(self.batches) == 3:
            raise KeyboardInterrupt
        return super().encode_documents(texts)


def test_an_interrupted_run_keeps_all_that_was_acknowledged(client, index, run, write):
    source = write([line for line in corpus(30) if line["text"]])
    with pytest.raises(KeyboardInterrupt):
        list(start(client, index, source, Interrupted()))
    running, _ = run(source)
    assert running.n_done_before in (2, 4, 6)
    assert some(running) == {"indexed": 27}


def test_a_source_that_changed_starts_over(client, index, run, write):
    source = write(corpus(40))
    outcomes = iter(start(client, index, source))
    next(outcomes)
    outcomes.close()
    running, _ = run(write(corpus(41)))
    assert running.n_done_before == 0
    assert sum(running.counts.values()) == 41


def test_an_index_that_is_created_anew_starts_over(client, index, run, write):
    source = write(corpus(40))
    outcomes = iter(start(client, index, source))
    next(outcomes)
    outcomes.close()
    client.indices.delete(index=index)
    running, _ = run(source)
    assert some(running) == {"indexed": 36, "empty": 4}


def test_an_index_that_is_created_anew_during_the_run_is_an_error(client, index, run, write):
    source = write(corpus(40))
    outcomes = iter(start(client, index, source))
    next(outcomes)
    client.indices.delete(index=index)
    client.indices.create(index=index)
    with pytest.raises(BulkError, match="was deleted and created anew"):
        list(outcomes)


@pytest.mark.usefixtures("four_tries")
def test_the_end_of_a_run_is_as_patient_as_its_middle(client, index, run, write, caplog):
    refresh, answers = client.indices.refresh, [TransportError(503, "busy", {})] * 3

    def refresh_at_last(**kwargs):
        if answers:
            raise answers.pop()
        return refresh(**kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client.indices, "refresh", refresh_at_last)
        run(write(corpus(9)))
    assert not answers
    assert "is not refreshed" not in caplog.text


def test_a_job_has_one_worker(client, index, run, write):
    source = write(corpus(40))
    outcomes = iter(start(client, index, source))
    next(outcomes)
    with pytest.raises(JobError, match="another worker"):
        run(source)
    outcomes.close()


def test_stdin_is_read_once_and_leaves_no_ledger(client, index, run, tmp_path, monkeypatch):
    path = tmp_path / "input"
    path.write_text('{"_id": "a", "text": "ants"}\n')
    with path.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert some(run("-")[0]) == {"indexed": 1}
    assert not list((tmp_path / "state").iterdir())


def test_dead_letters_go_where_they_are_asked_to(run, write, tmp_path):
    path = tmp_path / "letters" / "dead.jsonl"
    path.parent.mkdir()
    path.write_text("of an earlier run\n")
    run(write([b"{"]), dead_letters=path)
    assert json.loads(path.read_bytes())["line"] == 1


def test_dead_letters_do_not_overwrite_a_source(run, write):
    source = write(corpus(3))
    with pytest.raises(ValueError, match="is one of the sources"):
        run(source, dead_letters=Path(source))


def test_a_cluster_out_of_reach_is_said_so(write, tmp_path):
    from opensearchpy import OpenSearch

    options = IngestOptions("x", state_folder=tmp_path, patience=Patience(tries=1))
    with (
        OpenSearch("http://127.0.0.1:9", max_retries=0) as nobody,
        pytest.raises(BulkError, match="Check the address"),
    ):
        list(ingest(nobody, HashEncoder(), [write(corpus(1))], options))


def test_dead_letters_in_a_pipe_or_device_are_refused_and_left_alone(client, write, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    options = IngestOptions("ingest-pipe", state_folder=tmp_path, dead_letters=pipe)
    with pytest.raises(ValueError, match="not a regular file"):
        list(ingest(client, HashEncoder(), [str(write(corpus(1)))], options))
    assert pipe.is_fifo()
