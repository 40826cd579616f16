"""The shipped model: whole, small enough, and good enough to find things."""

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from splare_os.encode.card import fingerprint, read_card
from splare_os.encode.load import load_encoder
from splare_os.encoder import Encoder
from splare_os.impacts import from_features

FOLDER = Path(str(files("splare_os"))) / "mini"
DOCUMENTS = Path(__file__).parent.parent / "examples" / "documents.jsonl"


@pytest.fixture(scope="module")
def mini() -> Encoder:
    return load_encoder("mini")


def test_the_folder_is_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) <= 60_000_000


def test_the_fingerprint_is_that_of_the_files() -> None:
    card = read_card(FOLDER)
    assert card is not None
    assert (card.name, card.fingerprint) == ("mini", fingerprint(FOLDER, card))


def test_the_page_of_results_is_of_these_weights() -> None:
    card = read_card(FOLDER)
    assert card is not None
    page = FOLDER.parent.parent / "docs" / "results.md"
    assert f"Models: mini (`{card.fingerprint}`)" in page.read_text(encoding="utf-8")


def test_it_is_as_wide_and_as_sparse_as_it_says(mini: Encoder) -> None:
    texts = [json.loads(line)["text"] for line in DOCUMENTS.read_text().splitlines()]
    assert mini.n_latents >= 8192
    documents, queries = mini.encode_documents(texts), mini.encode_queries(texts)
    assert documents.shape == (12, mini.n_latents)
    assert np.diff(documents.indptr).max() <= 200
    assert np.diff(queries.indptr).max() <= 40
    assert np.diff(queries.indptr).min() > 20


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("who lost money when stocks fell", "crash"),
        ("animal camouflage", "octopus"),
        ("why does dough grow", "bread"),
        ("astronauts", "moon"),
        ("immunisation against disease", "vaccine"),
        ("insects that pollinate", "bees"),
    ],
)
def test_it_finds_by_meaning(mini: Encoder, question: str, best: str) -> None:
    documents = [json.loads(line) for line in DOCUMENTS.read_text().splitlines()]
    texts = [f"{document['title']} {document['text']}" for document in documents]
    scores = mini.encode_documents(texts) @ mini.encode_queries([question]).T
    assert documents[int(scores.toarray().argmax())]["_id"] == best


def test_spans_point_at_words(mini: Encoder) -> None:
    (spans,) = mini.spans(["The octopus hides."])
    words = {"The octopus hides."[start:end].lower() for start, end in spans.values()}
    assert {"octopus", "hides"} <= words


def encoded(**environment: str) -> np.ndarray:
    """Impacts [text, latent] of the documents, in float32, by a process in this environment."""
    options = ("--model", "mini", "--device", "cpu", "--dtype", "float32")
    done = subprocess.run(
        [sys.executable, "-m", "splare_os", "encode", *options, str(DOCUMENTS)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    features = [json.loads(line)["impacts"] for line in done.stdout.splitlines()]
    return from_features(features, 8192).toarray()


@pytest.fixture(scope="module")
def on_one_thread() -> np.ndarray:
    return encoded(OMP_NUM_THREADS="1")


@pytest.mark.slow
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("instructions", ["default", "avx2"])
def test_processors_and_threads_agree_on_latents_and_impacts(
    instructions: str, n_threads: int, on_one_thread: np.ndarray
) -> None:
    found = encoded(
        ATEN_CPU_CAPABILITY=instructions,
        ONEDNN_MAX_CPU_ISA="AVX2",
        MKL_ENABLE_INSTRUCTIONS="AVX2",
        OMP_NUM_THREADS=str(n_threads),
    )
    either, both = (found + on_one_thread) > 0, (found * on_one_thread) > 0
    assert both.sum() >= 0.99 * either.sum() > 0
    np.testing.assert_allclose(found[both], on_one_thread[both], rtol=0.01)
