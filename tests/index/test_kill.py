"""Kill the worker at any instant, start it again: the same index, nothing lost, nothing twice."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from splare_os.index import IngestOptions, ingest
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

ROOT = Path(__file__).parents[2]
N_KILLS = 5


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


def test_resumed_equals_uninterrupted(client, cluster_url, index, write, tmp_path):
    made = lines(1500)
    sources = [write(made[:900], "1.jsonl.gz"), write(made[900:], "2.jsonl")]
    rng = random.Random(0)
    for _ in range(N_KILLS):
        kill_on_the_way(rng, [cluster_url, f"{index}-killed", str(tmp_path / "a"), *sources])
    counts, letters, contents, n_before = run(client, f"{index}-killed", tmp_path / "a", sources)
    assert 0 < n_before < len(made)
    whole_counts, whole_letters, whole, _ = run(client, f"{index}-whole", tmp_path / "b", sources)
    assert counts == whole_counts
    assert letters == whole_letters
    assert contents == whole
    assert len(letters.splitlines()) == counts["dead"] == 50
    assert counts["replaced"] == 30
    assert sum(counts.values()) == len(made)
