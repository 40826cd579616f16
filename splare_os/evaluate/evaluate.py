"""`evaluate`: BEIR folders in, one result for each data set and system out."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from opensearchpy import OpenSearch

from ..encoders import Encoder
from .datasets import DEFAULT_SPLIT, DataSet, names, read_dataset
from .dense import load_dense
from .indexing import indexed
from .results import Result
from .systems import DENSE, SystemRuns, choose

log = logging.getLogger(__name__)


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
    """Return an iterator over the results, a data set and a system each, as soon as there is one.

    Systems are `bm25`, `dense`, the encoder by its name, and `hybrid` (of BM25 and the encoder).
    All data sets and models are read before this returns, so what is wrong with one is known
    before hours of work: `EvaluationError`, `EncoderError`; `ValueError` for an unknown system.
    """
    options = options or EvaluateOptions()
    systems = choose(options.systems, encoder.name)
    paths = [Path(folder) for folder in folders]
    data = [
        read_dataset(path, name, split=options.split, limit=options.queries)
        for path, name in zip(paths, names(paths), strict=True)
    ]
    dense = load_dense(options.dense_model) if DENSE in systems else None

    def results(one: DataSet) -> Iterator[Result]:
        place: AbstractContextManager[str] = nullcontext("")
        if systems != (DENSE,):
            place = indexed(client, encoder, one, keep=options.keep)
        with place as index:
            runs = SystemRuns(one, index, encoder, client, dense)
            for system in systems:
                yield Result.of(one, system, runs.of(system))
                log.info("evaluated dataset=%s system=%s", one.name, system)

    return (result for one in data for result in results(one))
