"""The systems that are compared, by name, and what each finds in one data set."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from opensearchpy import OpenSearch

from ..encoder import Encoder, own_prior
from ..impacts import Impacts, prune
from ..layout import TOP_K
from ..layout.saturating import default_saturation
from ..scoring import Scoring
from ..search.fusion.fusion import DEPTH as FUSED_DEPTH
from ..search.fusion.fusion import RRF, Fusion
from ..search.fusion.fusion import WEIGHTED as USUAL_WEIGHTS
from ..search.weigh.queries import Queries, encoded
from ..search.weigh.weighing import Weighing
from .cuts import Cut, top_k_of
from .datasets import DataSet, corpus_ids
from .dense import dense_run
from .dense import store_key as dense_key
from .encoded import EncodedCorpus, LookUpEncoder, store_key
from .exact import impacts_run
from .fitting import Judged, held_out
from .indexing import count, index_bytes, indexed, indexed_texts
from .msearch import TimedRun, bm25_run, encoder_run
from .results import MISSING, Costs
from .runs import DEPTH, Run, cut_all, fuse_runs, without_own
from .sparsity import sparsity
from .store import Store, opened_store

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BM25, DENSE, HYBRID = "bm25", "dense", "hybrid"

WEIGHTED = "weighted"
"""BM25 and the first model by a weighted sum."""

DOT = "-dot"
"""Behind a model's name: scored by dot product, not by the calibrated scoring."""


def unique_names(encoders: Sequence[Encoder]) -> tuple[str, ...]:
    """Return a name for each encoder: its own, with a number where an earlier one has it."""
    names: list[str] = []
    for encoder in encoders:
        tried = (f"{encoder.name}-{number}" for number in range(2, len(encoders) + 2))
        name = encoder.name
        while name in names:
            name = next(tried)
        if name in {BM25, DENSE, HYBRID, WEIGHTED} or name.startswith(f"{HYBRID}-"):
            raise ValueError(f"the model is named {name!r} as a baseline is: rename it")
        names.append(name)
    return tuple(names)


def choose(
    systems: Sequence[str], models: Sequence[str], *, in_memory: bool = False
) -> tuple[str, ...]:
    """Return the systems to evaluate; if none is named all, or in memory all that need no cluster.

    >>> choose((), ["mini"])
    ('bm25', 'dense', 'mini', 'hybrid')
    >>> choose((), ["mini", "other"], in_memory=True)
    ('dense', 'mini', 'other')
    """
    usual = (
        (DENSE, *models) if in_memory else (BM25, DENSE, *models, *((HYBRID,) if models else ()))
    )
    scored = tuple(dict.fromkeys((*models, *(f"{model}{DOT}" for model in models))))
    known = (BM25, DENSE, *scored, *((HYBRID, WEIGHTED) if models else ()))
    known += tuple(f"{HYBRID}-{model}" for model in scored)
    for system in systems:
        if system not in known:
            raise ValueError(f"system {system!r}: choose from {', '.join(known)}")
    return tuple(dict.fromkeys(systems)) or usual


def scored_model(system: str, models: Collection[str]) -> tuple[str, Scoring] | None:
    """Return which model a system is, and how it scores; None where it is no model.

    >>> scored_model("mini-dot", ["mini"]), scored_model("a-dot", ["a", "a-dot"])
    (('mini', 'dot'), ('a-dot', 'calibrated'))
    """
    if system in models:
        return system, "calibrated"
    model = system.removesuffix(DOT)
    return (model, "dot") if model in models else None


def needs_cluster(systems: Sequence[str], *, in_memory: bool) -> bool:
    """Return whether systems are searched by OpenSearch; BM25 always is.

    >>> needs_cluster(["dense", "mini"], in_memory=True)
    False
    """
    lexical = any(name in {BM25, WEIGHTED} or name.split("-")[0] == HYBRID for name in systems)
    return lexical or (not in_memory and any(name != DENSE for name in systems))


@dataclass(frozen=True)
class Setting:
    """What all data sets are evaluated with; `top_k` empty: the usual cut, not told.

    `fits`: weights of a weighted sum are fitted to the judgements, else they are the usual ones.
    """

    encoders: Mapping[str, Encoder]
    client: OpenSearch | None
    dense: SentenceTransformer | None
    top_k: tuple[Cut, ...] = ()
    in_memory: bool = False
    keep: bool = True
    cache: bool = True
    fits: bool = False


@dataclass(frozen=True)
class Found:
    """The run of a system, what it cost, and the cut of documents where one was asked for."""

    run: Run
    costs: Costs
    top_k: Cut | None = None


class SystemRuns:
    """The runs over one data set; of each, the part that fusion needs is kept.

    Indices and files that are not to stay are gone when `stack` is closed.
    """

    def __init__(self, data: DataSet, setting: Setting, stack: ExitStack) -> None:
        self.data, self.setting, self.stack = data, setting, stack
        self.depth = DEPTH + bool(data.own)  # one more where one is going to be left out
        self._fused: dict[str, dict[Cut | None, Found]] = {}
        self._stores: dict[tuple[str, ...], Store] = {}
        self.judged: Judged | None = None  # once weights are fitted

    def of(self, system: str) -> Iterator[Found]:
        """Yield what a system found, for each cut of documents; `choose` has returned its name."""
        if system == BM25:
            yield self._bm25()
        elif system == DENSE:
            yield self._dense()
        elif system == WEIGHTED and self.setting.fits:
            yield self._fitted()
        elif system == WEIGHTED:
            yield from self._fused_with(next(iter(self.setting.encoders)), USUAL_WEIGHTS)
        elif scored := scored_model(system, self.setting.encoders):
            yield from self._encoder(system, *scored)
        else:
            model = system.removeprefix(HYBRID).removeprefix("-")
            yield from self._fused_with(model or next(iter(self.setting.encoders)), RRF)

    def _fused_with(self, model: str, fusion: Fusion) -> Iterator[Found]:
        """Yield what BM25 and a model find together, for each cut of documents."""
        (lexical,) = self._best(BM25).values()
        for top_k, found in self._best(model).items():
            lost = max(one.costs.get(MISSING, 0) for one in (lexical, found))
            yield Found(fuse_runs([lexical.run, found.run], fusion), _missing(lost), top_k)

    def _best(self, system: str) -> dict[Cut | None, Found]:
        """Return the hits of a system that fusion looks at, by cut."""
        if system not in self._fused:
            for _ in self.of(system):
                pass
        return self._fused[system]

    def _fitted(self) -> Found:
        (lexical,) = self._best(BM25).values()
        (found,) = self._best(next(iter(self.setting.encoders))).values()
        self.judged = Judged(self.data.name, lexical.run, found.run, self.data.qrels)
        lost = max(one.costs.get(MISSING, 0) for one in (lexical, found))
        return Found(held_out(self.judged)[0], _missing(lost))

    def _keep(self, system: str, run: Run, costs: Costs, top_k: Cut | None = None) -> Found:
        own = without_own(run, self.data.own, depth=DEPTH)
        fused = Found(cut_all(own, FUSED_DEPTH), costs, top_k)
        self._fused.setdefault(system, {})[top_k] = fused
        return Found(own, costs, top_k)

    def _bm25(self) -> Found:
        client, data = self._client, self.data
        index = self.stack.enter_context(indexed_texts(client, data, keep=self.setting.keep))
        timed = bm25_run(client, index, data.queries, depth=self.depth)
        return self._keep(BM25, timed.run, self._cluster_costs(index, timed))

    def _dense(self) -> Found:
        if self.setting.dense is None:
            raise ValueError("no dense model was handed over: load one with load_dense")
        key = dense_key(self.setting.dense, self.data)
        with opened_store(*key, cache=self.setting.cache) as store:
            run = dense_run(self.setting.dense, self.data, store, depth=self.depth)
        return self._keep(DENSE, run, {})

    def _encoder(self, system: str, model: str, scoring: Scoring) -> Iterator[Found]:
        encoder = self.setting.encoders[model]
        queries = encoded(encoder, list(self.data.queries.values()))
        corpus = EncodedCorpus(encoder, self.data, self._store(encoder))
        for asked in self.setting.top_k or (None,):
            top_k = top_k_of(asked or TOP_K, partial(_mean_latents, queries.impacts, corpus))
            weights = _weights(queries, corpus, top_k, scoring)
            run, costs = self._searched(corpus, weights, top_k, scoring)
            sparse = sparsity(weights, (prune(part, top_k) for part in corpus.chunks()))
            lost = costs.get(MISSING, 0) + corpus.n_failed
            yield self._keep(system, run, asdict(sparse) | costs | _missing(lost), asked)

    def _store(self, encoder: Encoder) -> Store:
        """Return where a model's impacts are kept: in one place, whatever scores them."""
        key = store_key(encoder, self.data)
        if key not in self._stores:
            opened = opened_store(*key, cache=self.setting.cache)
            self._stores[key] = self.stack.enter_context(opened)
        return self._stores[key]

    def _searched(
        self, corpus: EncodedCorpus, weights: Impacts, top_k: int, scoring: Scoring
    ) -> tuple[Run, Costs]:
        names = list(self.data.queries)
        if self.setting.in_memory:
            saturation = default_saturation(corpus.encoder, scoring)
            options: Any = {"top_k": top_k, "depth": self.depth, "saturation": saturation}
            return impacts_run(names, weights, self._ids, corpus.chunks(), **options), {}
        encoder, keep = LookUpEncoder(corpus), self.setting.keep
        place = indexed(self._client, encoder, self.data, top_k=top_k, scoring=scoring, keep=keep)
        index = self.stack.enter_context(place)
        timed = encoder_run(self._client, index, names, weights, depth=self.depth)
        return timed.run, self._cluster_costs(index, timed)

    def _cluster_costs(self, index: str, timed: TimedRun) -> Costs:
        p50, p95 = np.percentile(timed.took_ms, [50, 95]).tolist()
        size = index_bytes(self._client, index)
        costs: Costs = {"index_bytes": size, "latency_p50_ms": p50, "latency_p95_ms": p95}
        lost = self.data.documents - count(self._client, index)
        return costs | _missing(lost)

    @property
    def _client(self) -> OpenSearch:
        if self.setting.client is None:
            raise ValueError("no client was handed over: bm25 and hybrid need one")
        return self.setting.client

    @cached_property
    def _ids(self) -> list[str]:
        return corpus_ids(self.data)


def _weights(queries: Queries, corpus: EncodedCorpus, top_k: int, scoring: Scoring) -> Impacts:
    """Return the weights of queries in a collection whose documents keep `top_k` impacts."""
    if scoring == "dot":
        return Weighing().weights(queries)
    known = corpus.statistics(top_k).with_prior(own_prior(corpus.encoder))
    return Weighing(known.idf()).weights(queries)


def _missing(lost: float) -> Costs:
    return {MISSING: lost} if lost else {}


def _mean_latents(queries: Impacts, corpus: EncodedCorpus) -> float:
    parts = (prune(part, TOP_K) for part in corpus.chunks())
    return sparsity(queries, parts).document_latents
