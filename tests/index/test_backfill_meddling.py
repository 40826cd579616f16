"""A backfill that is killed while somebody else writes: no write of theirs is lost."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Event, Thread

import pytest
from opensearchpy import OpenSearch

from splare_os.index import BackfillOptions, backfill
from splare_os.index.actions import Target, text_digest
from splare_os.layout import DocumentCut, read_records
from splare_os.scoring import K1, Saturation
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

ROOT = Path(__file__).parents[2]

Truth = dict[str, dict[str, object]]


class Meddler(Thread):
    """Updates, replaces, deletes and adds documents at random; `truth` is what has to be there."""

    def __init__(self, url: str, index: str, truth: Truth, seed: int) -> None:
        super().__init__(daemon=True)
        self.client, self.index, self.truth = OpenSearch(url), index, truth
        self.rng, self.ended, self.n_writes = random.Random(seed), Event(), 0

    def run(self) -> None:
        while not self.ended.wait(0.002):
            self.n_writes += 1
            name = self.rng.choice(list(self.truth))
            text = f"wasps {self.n_writes} sting"
            match self.rng.randrange(5):
                case 0:
                    self.add(f"new{self.n_writes}", {"text": text, "n": self.n_writes})
                case 1:
                    self.client.delete(index=self.index, id=name)
                    del self.truth[name]
                case 2:
                    self.add(name, {"text": text, "n": self.n_writes})
                case 3:
                    self.change(name, {"n": self.n_writes})
                case _:
                    self.change(name, {"text": text, "n": self.n_writes})

    def add(self, name: str, body: dict[str, object]) -> None:
        self.client.index(index=self.index, id=name, body=body)
        self.truth[name] = body

    def change(self, name: str, body: dict[str, object]) -> None:
        params = {"retry_on_conflict": 9}
        self.client.update(index=self.index, id=name, body={"doc": body}, params=params)
        self.truth[name] = self.truth[name] | body


@contextmanager
def meddling(url: str, index: str, truth: Truth, seed: int) -> Iterator[Meddler]:
    meddler = Meddler(url, index, truth, seed)
    meddler.start()
    try:
        yield meddler
        assert meddler.is_alive(), "it failed: see its traceback"
    finally:
        meddler.ended.set()
        meddler.join()
        meddler.client.close()


def made(client: OpenSearch, index: str, n: int) -> Truth:
    client.indices.create(
        index=index,
        body={
            "settings": {"number_of_shards": 2},
            "mappings": {"properties": {"text": {"type": "text"}}},
        },
    )
    truth: Truth = {f"d{k}": {"text": f"ants {k} carry {k % 7}", "n": 0} for k in range(n)}
    lines = [line for name, one in truth.items() for line in ({"index": {"_id": name}}, one)]
    for start in range(0, len(lines), 4000):
        assert not client.bulk(index=index, body=lines[start : start + 4000])["errors"]
    return truth


def killed(arguments: list[str], seconds: float, by: signal.Signals = signal.SIGKILL) -> None:
    command = [sys.executable, "-m", "tests.index.backfiller", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"done\n"
        time.sleep(seconds)
        assert victim.poll() is None, "it ended before it was killed: give it more to do"
        victim.send_signal(by)


def contents(client: OpenSearch, index: str) -> Truth:
    client.indices.refresh(index=index)
    found, after = {}, None
    while True:
        body = {"size": 5000, "sort": [{"_id": "asc"}]}
        reply = client.search(index=index, body=body | ({"search_after": after} if after else {}))
        hits = reply["hits"]["hits"]
        if not hits:
            return found
        found |= {hit["_id"]: hit["_source"] for hit in hits}
        after = hits[-1]["sort"]


def check(client: OpenSearch, index: str, truth: Truth) -> None:
    """Every write of theirs is there, and each text has its own impacts."""
    encoder = HashEncoder()
    target = Target(index, "text_splare", encoder.fingerprint, DocumentCut(400), Saturation(K1))
    found = contents(client, index)
    ours = {name: body.pop("text_splare", {}) for name, body in found.items()}
    assert found == truth
    for name, body in truth.items():
        text = str(body["text"])
        assert ours[name]["digest"] == text_digest(text, target)
        latents = {str(encoder.latent(word)) for word in text.split()}
        assert ours[name]["impacts"].keys() == latents


def run(client, url, index, folder, *, n: int, n_kills: int, seed: int) -> None:
    truth, rng = made(client, index, n), random.Random(seed)
    with meddling(url, index, truth, seed) as meddler:
        for _ in range(n_kills):
            killed([url, index, str(folder)], rng.uniform(0.0, 0.4))
        options = BackfillOptions(index, state_folder=folder, share=1.0)
        outcomes = iter(backfill(client, HashEncoder(), options))
        first = list(islice(outcomes, n // 4))
    assert meddler.n_writes > 50
    assert not [one for one in (*first, *outcomes) if one.status == "dead"]
    check(client, index, truth)


def test_nothing_of_theirs_is_lost_and_all_documents_get_their_impacts(
    client, cluster_url, index, tmp_path
):
    run(client, cluster_url, index, tmp_path, n=2000, n_kills=2, seed=7)


def test_what_was_stored_and_not_heard_of_counts_after_kills(client, cluster_url, index, tmp_path):
    made(client, index, 2000)
    for by in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        killed([cluster_url, index, str(tmp_path)], 0.1, by)
    options = BackfillOptions(index, state_folder=tmp_path, share=1.0)
    running = backfill(client, HashEncoder(), options)
    list(running)
    assert running.n_done_before < 2000
    assert {status: n for status, n in running.counts.items() if n} == {"indexed": 2000}


def test_a_record_that_another_write_of_the_mapping_has_lost_is_there_at_the_end(
    client, index, tmp_path
):
    made(client, index, 8)
    for _ in backfill(client, HashEncoder(), BackfillOptions(index, state_folder=tmp_path)):
        client.indices.put_mapping(index=index, body={"_meta": {"owner": "theirs"}})
    assert read_records(client, index)[index].keys() == {"text_splare"}


@pytest.fixture
def stream(client, index) -> Iterator[str]:
    """A data stream with one document."""
    mappings = {"properties": {"text": {"type": "text"}}}
    body = {"index_patterns": [index], "data_stream": {}, "template": {"mappings": mappings}}
    client.indices.put_index_template(name=index, body=body)
    client.index(index=index, body={"@timestamp": 1, "text": "ants"}, op_type="create")
    yield index
    client.indices.delete_data_stream(name=index)
    client.indices.delete_index_template(name=index)


def test_a_watch_follows_a_data_stream_to_its_next_index(client, stream, tmp_path):
    options = BackfillOptions(stream, watch=True, poll_s=0.1, state_folder=tmp_path)
    running = backfill(client, HashEncoder(), options)
    for n, outcome in enumerate(running):
        assert outcome.status == "indexed"
        if n == 0:
            client.indices.rollover(alias=stream)
            client.index(index=stream, body={"@timestamp": 2, "text": "bees"}, op_type="create")
        else:
            running.stop.set()
            break
    assert [name[-1] for name in running.names] == ["1", "2"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_likewise_of_many_documents_and_many_kills(client, cluster_url, index, tmp_path, seed):
    run(client, cluster_url, index, tmp_path, n=20_000, n_kills=10, seed=seed)
