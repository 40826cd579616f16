"""The main job with the shipped model: the whole sample, killed half-way, and searched exactly."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.encode.load import load_encoder
from splare_os.impacts import Impacts, from_features, stored
from splare_os.search import translate

pytestmark = [pytest.mark.slow, pytest.mark.opensearch]

SAMPLE = Path(str(files("splare_os"))) / "samples" / "squad-dev.jsonl.gz"
N_DOCUMENTS = 2067
N_QUERIES = 100
INDEX = "main-job"


def command(url: str) -> list[str]:
    code = "from splare_os.cli import main; main()"
    return [sys.executable, "-c", code, "index", str(SAMPLE), "--index", INDEX, "--url", url]


def count(client: OpenSearch) -> int:
    client.indices.refresh(index=INDEX)
    return int(client.count(index=INDEX)["count"])


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return os.environ | {"XDG_STATE_HOME": str(tmp_path_factory.mktemp("state"))}


def test_a_worker_killed_half_way_goes_on_to_the_same_index(
    client: OpenSearch, cluster_url: str, env: dict[str, str]
) -> None:
    with subprocess.Popen(command(cluster_url), env=env, stderr=subprocess.DEVNULL) as worker:
        while not client.indices.exists(index=INDEX) or count(client) < N_DOCUMENTS // 4:
            assert worker.poll() is None
            time.sleep(0.5)
        worker.send_signal(signal.SIGKILL)
    assert count(client) < N_DOCUMENTS
    for status in ("indexed", "unchanged"):
        reply = subprocess.run(
            command(cluster_url), env=env, check=True, capture_output=True, text=True
        )
        assert json.loads(reply.stdout)[status] == N_DOCUMENTS
        assert count(client) == N_DOCUMENTS


def test_the_cluster_ranks_as_dot_products_of_the_impacts_as_stored(
    client: OpenSearch, cluster_url: str
) -> None:
    mini = load_encoder("mini")
    names, documents = indexed_impacts(client, mini.n_latents)
    assert (stored(documents) != documents).nnz == 0
    queries = mini.encode_queries(questions(client, names))
    products = (queries @ documents.T).toarray()
    for row, expected in enumerate(products):
        body = {"query": translate(queries[[row]], "text_splare.impacts"), "size": 10}
        hits = client.search(index=INDEX, body=body | {"_source": False})["hits"]["hits"]
        scores = [hit["_score"] for hit in hits]
        best = np.sort(expected)[::-1][:10]
        np.testing.assert_allclose(scores, best, rtol=1e-5)
        for hit in hits:  # the same documents, up to ties
            np.testing.assert_allclose(hit["_score"], expected[names[hit["_id"]]], rtol=1e-5)


def indexed_impacts(client: OpenSearch, n_latents: int) -> tuple[dict[str, int], Impacts]:
    """Return the place of each document, and what the cluster says that it holds of it."""
    body = {"size": N_DOCUMENTS, "_source": ["text_splare.impacts"], "sort": ["_doc"]}
    hits = client.search(index=INDEX, body=body)["hits"]["hits"]
    features = [hit["_source"]["text_splare"]["impacts"] for hit in hits]
    return {hit["_id"]: row for row, hit in enumerate(hits)}, from_features(features, n_latents)


def questions(client: OpenSearch, names: dict[str, int]) -> list[str]:
    """Return the second sentence of some documents, as queries."""
    reply = client.mget(index=INDEX, body={"ids": sorted(names)[:: N_DOCUMENTS // N_QUERIES]})
    texts = [doc["_source"]["text"].split(". ") for doc in reply["docs"]]
    return [sentences[len(sentences) > 1] for sentences in texts][:N_QUERIES]
