"""`evaluate`: BEIR folders in, one result for each data set and system out."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from opensearchpy import OpenSearch
from sentence_transformers import SentenceTransformer

from ..encoders import Encoder
from .datasets import DEFAULT_SPLIT, DataSet, names, read_dataset
from .dense import dense_run, load_dense
from .indexing import indexed
from .msearch import bm25_run, encoder_run
from .results import Result
from .runs import DEPTH, Run, fuse, without_own

log = logging.getLogger(__name__)

BM25, DENSE, HYBRID = "bm25", "dense", "hybrid"


@dataclass(frozen=True)
class EvaluateOptions:
    """What is evaluated, and on how much.

    `systems` empty: all four. `queries`: only the first so many judged ones. `dense_model`: a
    folder or hub id instead of all-MiniLM-L6-v2. `keep`: leave the index for the next time.
    """

    systems: tuple[str, ...] = ()
    queries: int | None = None
    split: str = DEFAULT_SPLIT
    dense_model: str | None = None
    keep: bool = True


def evaluate(
    folders: Sequence[str | Path],
    encoder: Encoder,
    client: OpenSearch,
    options: EvaluateOptions | None = None,
) -> Iterator[Result]:
    """Yield a result for each data set and system, as soon as there is one.

    Systems are `bm25`, `dense`, the encoder by its name, and `hybrid` (of BM25 and the encoder).
    All data sets and models are read before this returns, so what is wrong with one is known
    before hours of work: `EvaluationError`, `EncoderError`; `ValueError` for an unknown system.
    """
    options = options or EvaluateOptions()
    systems = choose(options.systems, encoder.name)
    paths = [Path(folder) for folder in folders]
    named = zip(paths, names(paths), strict=True)
    data = [
        read_dataset(path, name, split=options.split, limit=options.queries) for path, name in named
    ]
    dense = load_dense(options.dense_model) if DENSE in systems else None
    contest = _Contest(encoder, client, dense, systems, keep=options.keep)
    return (result for one in data for result in contest.results(one))


def choose(systems: Sequence[str], encoder_name: str) -> tuple[str, ...]:
    """Return the systems to evaluate, all of them if none is named.

    >>> choose((), "mini")
    ('bm25', 'dense', 'mini', 'hybrid')
    """
    known = (BM25, DENSE, encoder_name, HYBRID)
    if len(set(known)) < len(known):
        raise ValueError(f"the model is named {encoder_name!r} as a baseline is: rename it")
    for system in systems:
        if system not in known:
            raise ValueError(f"system {system!r}: choose from {', '.join(known)}")
    return tuple(dict.fromkeys(systems)) or known


@dataclass(frozen=True)
class _Contest:
    """What stays the same from one data set to the next."""

    encoder: Encoder
    client: OpenSearch
    dense: SentenceTransformer | None
    systems: tuple[str, ...]
    keep: bool

    def results(self, data: DataSet) -> Iterator[Result]:
        if self.systems == (DENSE,):
            yield self._result(_Runs(self, data, ""), DENSE)
            return
        with indexed(self.client, self.encoder, data, keep=self.keep) as index:
            runs = _Runs(self, data, index)
            for system in self.systems:
                yield self._result(runs, system)

    def _result(self, runs: "_Runs", system: str) -> Result:
        result = Result.of(runs.data, system, runs.of(system))
        log.info("evaluated dataset=%s system=%s", result.dataset, system)
        return result


class _Runs:
    """The runs over one data set, each made once: `hybrid` is made of two others."""

    def __init__(self, contest: _Contest, data: DataSet, index: str) -> None:
        self.contest, self.data, self.index = contest, data, index
        self.depth = DEPTH + bool(data.own)  # one more where one is going to be left out

    def of(self, system: str) -> Run:
        if system == BM25:
            return self.bm25
        if system == HYBRID:
            return fuse([self.bm25, self.encoder])
        return self.dense if system == DENSE else self.encoder

    @cached_property
    def bm25(self) -> Run:
        queries = self.data.queries
        run = bm25_run(self.contest.client, self.index, queries, depth=self.depth)
        return without_own(run, self.data.own)

    @cached_property
    def encoder(self) -> Run:
        client, encoder = self.contest.client, self.contest.encoder
        run = encoder_run(client, self.index, encoder, self.data.queries, depth=self.depth)
        return without_own(run, self.data.own)

    @cached_property
    def dense(self) -> Run:
        if self.contest.dense is None:
            raise ValueError("no dense model is loaded")
        run = dense_run(self.contest.dense, self.data, depth=self.depth)
        return without_own(run, self.data.own)
