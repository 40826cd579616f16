"""The shipped model: whole, small enough, and good enough to find things."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from splare_os.encode.card import fingerprint, read_card
from splare_os.encode.load import load_encoder
from splare_os.encoder import Encoder

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
