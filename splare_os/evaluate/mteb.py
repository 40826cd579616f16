"""An encoder as MTEB evaluates it: exact search in memory, by dot product of impacts.

Needs the extra `mteb`: `pip install "splare-os[mteb]"`.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..documents.template import document_text
from ..encode.load import load_encoder
from ..encoder import Encoder
from ..errors import EvaluationError
from ..extras import require
from ..impacts import Impacts
from ..layout import TOP_K
from .encoded import encode_texts
from .exact import Scores, exact_run, scorer
from .runs import Run
from .store import CHUNK_DOCUMENTS

if TYPE_CHECKING:
    from datasets import Dataset
    from mteb.models import ModelMeta

log = logging.getLogger(__name__)

OWNER = "splare-os"
"""Stands before the name of a model that has no owner: MTEB asks for owner/name."""


class MtebModel:
    """What `mteb.evaluate` takes: mteb's `SearchProtocol`, for retrieval and reranking tasks.

    `about` are fields of mteb's `ModelMeta` that an encoder does not know, such as `languages`,
    `license` or `training_datasets`.
    """

    def __init__(self, encoder: Encoder, *, top_k: int = TOP_K, **about: object) -> None:
        self.encoder, self.top_k = encoder, top_k
        self.mteb_model_meta = model_meta(encoder, about, top_k=top_k)
        self._corpus: Dataset | None = None

    def index(self, corpus: "Dataset", **task: object) -> None:
        """Remember the corpus; it is encoded, chunk by chunk, when its queries are there."""
        self._corpus = corpus
        log.info("mteb documents=%d split=%s", len(corpus), task.get("hf_split"))

    def search(
        self,
        queries: "Dataset",
        *,
        top_k: int,
        top_ranked: Mapping[str, Sequence[str]] | None = None,
        **task: object,
    ) -> Run:
        """Return the best `top_k` hits of each query, of `top_ranked` where that is given."""
        if self._corpus is None:
            raise ValueError("nothing is indexed: call index before search")
        names = [str(name) for name in queries["id"]]
        impacts = self.encoder.encode_queries([query_text(row) for row in queries])
        ids = [str(name) for name in self._corpus["id"]]
        allowed = _allowed(names, ids, top_ranked)
        depth = max([top_k, *(len(places) for places in allowed or ())])
        parts = self._parts(impacts, allowed)
        log.info("mteb queries=%d split=%s", len(names), task.get("hf_split"))
        run = exact_run(names, ids, parts, depth=depth, only_positive=True)
        if top_ranked is None:
            return run
        return {name: dict.fromkeys(map(str, top_ranked[name]), 0.0) | run[name] for name in names}

    def _parts(
        self, queries: Impacts, allowed: "list[set[int]] | None"
    ) -> Iterator[tuple[int, Callable[[slice], Scores]]]:
        corpus, first = self._corpus, 0
        while corpus is not None and first < len(corpus):
            rows = corpus.select(range(first, min(first + CHUNK_DOCUMENTS, len(corpus))))
            texts = [document_text(row.get("title"), row.get("text")) for row in rows]
            impacts, failures = encode_texts(self.encoder, texts)
            if failures:
                reason = next(iter(failures.values()))
                log.warning("mteb cannot encode %d texts, the first: %s", len(failures), reason)
            score = scorer(queries, impacts, self.top_k)
            yield len(texts), _masked(score, allowed, range(first, first + len(texts)))
            first += len(texts)


def load(model_name: str, revision: str | None = None, **options: Any) -> MtebModel:  # noqa: ANN401  # mteb's own
    """Return the model `model_name`: the `loader` of a `ModelMeta`; see `load_encoder`.

    `EvaluationError` if its fingerprint is not `revision`.
    """
    encoder = load_encoder(
        model_name.removeprefix(f"{OWNER}/"),
        device=options.get("device"),
        dtype=options.get("dtype"),
    )
    top_k = options.get("top_k", TOP_K)
    if revision not in (None, encoder.fingerprint):
        raise EvaluationError(
            f"model {model_name!r} has the fingerprint {encoder.fingerprint}, not {revision}: "
            "fetch the revision that was evaluated"
        )
    return MtebModel(encoder, top_k=top_k)


def model_meta(encoder: Encoder, about: Mapping[str, object], *, top_k: int) -> "ModelMeta":
    """Return what MTEB writes beside results: the fingerprint is the revision.

    Results with a cut of documents are told apart as an experiment of it.
    """
    require("mteb", "a model for MTEB")
    from mteb.models import ModelMeta

    name = encoder.name if "/" in encoder.name else f"{OWNER}/{encoder.name}"
    known = {
        "name": name,
        "revision": encoder.fingerprint,
        "loader": load,
        "experiment_kwargs": None if top_k == TOP_K else {"top_k": top_k},
        "embed_dim": encoder.n_latents,
        "similarity_fn_name": "dot",
        "model_type": ["sparse"],
        "framework": ["Sentence Transformers", "PyTorch"],
    }
    return ModelMeta.create_empty(overwrites=known | dict(about))


def query_text(row: Mapping[str, object]) -> str:
    """Return the text of a query, with its instruction behind it, as mteb joins them.

    >>> query_text({"text": "oil", "instruction": "Find prices."})
    'oil Find prices.'
    """
    text, instruction = row["text"], row.get("instruction")
    if not isinstance(text, str):
        raise EvaluationError(
            f"query {row.get('id')!r} is {type(text).__name__}, not a text: conversations and "
            "images are not supported; choose another task"
        )
    return f"{text} {instruction}" if instruction else text


def _allowed(
    names: Sequence[str], ids: Sequence[str], top_ranked: Mapping[str, Sequence[str]] | None
) -> "list[set[int]] | None":
    """Return for each query the places of the documents that may be found; None: all."""
    if top_ranked is None:
        return None
    places = {name: place for place, name in enumerate(ids)}
    return [{places[str(one)] for one in top_ranked[name]} for name in names]


def _masked(
    score: Callable[[slice], Scores], allowed: "list[set[int]] | None", documents: range
) -> Callable[[slice], Scores]:
    if allowed is None:
        return score

    def masked(rows: slice) -> Scores:
        mask = [[place in places for place in documents] for places in allowed[rows]]
        scores: Scores = score(rows) * np.array(mask, dtype=np.float32)
        return scores

    return masked
