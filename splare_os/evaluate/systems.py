"""The systems that are compared, by name, and their runs over one data set."""

from collections.abc import Sequence
from functools import cached_property

from opensearchpy import OpenSearch
from sentence_transformers import SentenceTransformer

from ..encoders import Encoder
from .datasets import DataSet
from .dense import dense_run
from .msearch import bm25_run, encoder_run
from .runs import DEPTH, Run, fuse, without_own

BM25, DENSE, HYBRID = "bm25", "dense", "hybrid"


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


class SystemRuns:
    """The runs over one data set, each made when it is first asked for, and once.

    `index` holds the data set; it is not looked at for the dense run.
    """

    def __init__(
        self,
        data: DataSet,
        index: str,
        encoder: Encoder,
        client: OpenSearch,
        dense: SentenceTransformer | None,
    ) -> None:
        self.data, self.index = data, index
        self.encoder, self.client, self.dense = encoder, client, dense
        self.depth = DEPTH + bool(data.own)  # one more where one is going to be left out

    def of(self, system: str) -> Run:
        """Return the run of a system, by a name that `choose` has returned."""
        if system == BM25:
            return self._bm25
        if system == HYBRID:
            return fuse([self._bm25, self._encoder])
        return self._dense if system == DENSE else self._encoder

    @cached_property
    def _bm25(self) -> Run:
        run = bm25_run(self.client, self.index, self.data.queries, depth=self.depth)
        return without_own(run, self.data.own)

    @cached_property
    def _encoder(self) -> Run:
        queries = self.data.queries
        run = encoder_run(self.client, self.index, self.encoder, queries, depth=self.depth)
        return without_own(run, self.data.own)

    @cached_property
    def _dense(self) -> Run:
        if self.dense is None:
            raise ValueError("no dense model was handed over: load one with load_dense")
        return without_own(dense_run(self.dense, self.data, depth=self.depth), self.data.own)
