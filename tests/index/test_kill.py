"""Kill the worker at any instant, start it again: the same index, nothing lost, nothing twice."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest
from opensearchpy import OpenSearch

from splare_os.cluster import EmbeddedCluster, node
from splare_os.cluster.ports import choose_port
from splare_os.errors import ClusterError
from splare_os.index import IngestOptions, ingest
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

ROOT = Path(__file__).parents[2]


def lines(n: int) -> list[object]:
    """Documents of two files' worth, with repeats, broken lines and empty texts among them."""
    made: list[object] = []
    for k in range(n):
        name = k - 25 if k % 50 == 49 else k
        made.append({"_id": f"d{name}", "text": f"ants {k} carry {k % 7}" if k % 20 else ""})
        made += [b'{"broken": '] if k % 30 == 7 else []
    return made


def kill_on_the_way(rng: random.Random, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "tests.index.victim", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"done\n"
        time.sleep(rng.uniform(0.0, 0.5))
        assert victim.poll() is None, "it ended before it was killed: give it more to do"
        victim.kill()


def read(client, index) -> dict[str, object]:
    hits = client.search(index=index, body={"size": 10_000})["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def run(client, index: str, folder: Path, sources: list[str]):
    """Run to the end; return counts, dead letters, contents and what was done before."""
    running = ingest(client, HashEncoder(), sources, IngestOptions(index, state_folder=folder))
    for _ in running:
        pass
    assert running.dead_letters is not None
    letters = running.dead_letters.read_bytes()
    return running.counts, letters, read(client, index), running.n_done_before


@pytest.mark.parametrize(
    ("n", "n_kills"), [(1500, 5), pytest.param(9000, 40, marks=pytest.mark.slow)]
)
def test_resumed_equals_uninterrupted(client, cluster_url, index, write, tmp_path, n, n_kills):
    made = lines(n)
    sources = [write(made[: n // 2], "1.jsonl.gz"), write(made[n // 2 :], "2.jsonl")]
    rng = random.Random(0)
    for _ in range(n_kills):
        kill_on_the_way(rng, [cluster_url, f"{index}-killed", str(tmp_path / "a"), *sources])
    counts, letters, contents, n_before = run(client, f"{index}-killed", tmp_path / "a", sources)
    assert 0 < n_before < len(made)
    whole_counts, whole_letters, whole, _ = run(client, f"{index}-whole", tmp_path / "b", sources)
    assert counts == whole_counts
    assert letters == whole_letters
    assert contents == whole
    assert len(letters.splitlines()) == counts["dead"] == n // 30
    assert counts["replaced"] == n // 50
    assert sum(counts.values()) == len(made)


class Server:
    """A node of one's own, to be killed and started again at its address."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, choose_port(None)
        self.lives = ExitStack()

    def start(self) -> str:
        """Start it, on what it had written before, once its port is free of old connections."""
        jvm = ["-XX:TieredStopAtLevel=1"]
        made = EmbeddedCluster(home=self.home, port=self.port, heap_mb=512, jvm_options=jvm)
        end = time.monotonic() + 90
        while True:
            try:
                return self.lives.enter_context(made)
            except ClusterError as error:
                if "is taken" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def kill(self) -> None:
        process = node.running(self.home)
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        while process.is_alive():
            time.sleep(0.01)


@pytest.fixture
def place():
    """A folder that the server's user may enter, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_server_that_is_killed_three_times_has_every_document(write, tmp_path, place):
    made = lines(6000)
    source = write(made)
    server = Server(place / "node")
    options = IngestOptions("i", chunk_documents=20, state_folder=tmp_path / "a")
    with server.lives, OpenSearch(server.start(), timeout=10, max_retries=0) as client:
        restarts: list[Thread] = []
        going = ingest(client, HashEncoder(), [source], options)
        for n_done, _ in enumerate(going):
            if n_done % 1500 == 1000 and n_done < 5000:
                server.kill()
                restarts.append(Thread(target=server.start))
                restarts[-1].start()
        for restart in restarts:
            restart.join()
        assert len(restarts) == 3
        counts, letters = going.counts, going.dead_letters.read_bytes()
        contents = read(client, "i")
        whole = run(client, "whole", tmp_path / "b", [source])
    assert (counts, letters, contents) == whole[:3]
