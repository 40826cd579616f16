"""`evaluate`: BEIR folders in, one result for each data set and system out."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from opensearchpy import OpenSearch

from ..encoder import Encoder
from ..errors import EvaluationError
from ..paths import StrPath
from .comparison import compare
from .cuts import Cut, check_cut
from .datasets import DEFAULT_SPLIT, DataSet, names, read_dataset
from .dense import load_dense
from .export import file_name, saved
from .fitting import Judged, save_fit
from .languages import ENGLISH
from .measures import Figures
from .results import MEAN, Result, mean_results
from .systems import (
    BM25,
    DENSE,
    WEIGHTED,
    Setting,
    SystemRuns,
    choose,
    needs_cluster,
    unique_names,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluateOptions:
    """What is evaluated, and on how much.

    `systems` empty: all, or with `in_memory` (encoders are scored exactly, without the cluster)
    all that need no cluster. `queries`: only the first so many judged ones. `dense_model`: a
    folder or hub id instead of all-MiniLM-L6-v2; it runs in its own precision, on `dense_device` or
    the best there is. `baseline`: what the others are tested against,
    by default BM25 or else the first. `top_k`: cuts of documents (100, or "25%" of the mean
    active latents), a result for each. `keep`: leave indices for the next time; `cache`: leave
    impacts and vectors. `runs`: a folder for TREC run files; `per_query`: a file for the figures
    of each query; both are written anew. `fit_hybrid`: a file for the weights of a hybrid, which
    adds the system `weighted` and gives it its weights.
    """

    systems: tuple[str, ...] = ()
    queries: int | None = None
    split: str = DEFAULT_SPLIT
    dense_model: str | None = None
    dense_device: str | None = None
    baseline: str = ""
    top_k: tuple[Cut, ...] = ()
    in_memory: bool = False
    keep: bool = True
    cache: bool = True
    runs: StrPath | None = None
    per_query: StrPath | None = None
    fit_hybrid: StrPath | None = None

    def __post_init__(self) -> None:
        """Refuse cuts that nothing can be kept with, and files where none can be written."""
        for top_k in self.top_k:
            check_cut(top_k)
        if len(set(self.top_k)) < len(self.top_k):
            raise ValueError(f"top_k={self.top_k}: name each cut once")
        if self.runs is not None and Path(self.runs).exists() and not Path(self.runs).is_dir():
            raise ValueError(f"runs={self.runs}: it is no folder; name one")
        for name in ("per_query", "fit_hybrid"):
            path = getattr(self, name)
            if path is not None and not Path(path).parent.is_dir():
                raise ValueError(f"{name}={path}: there is no such folder; make it first")
        if self.fit_hybrid is not None and len(self.top_k) > 1:
            raise ValueError(f"top_k={self.top_k}: weights are fitted for one cut of documents")

    @property
    def needs_cluster(self) -> bool:
        """Return whether OpenSearch is searched, as far as can be told before models are read."""
        usual = (DENSE,) if self.in_memory else (BM25,)
        fitted = () if self.fit_hybrid is None else (WEIGHTED,)
        return needs_cluster((*(self.systems or usual), *fitted), in_memory=self.in_memory)


def evaluate(
    folders: Sequence[StrPath],
    encoders: Sequence[Encoder],
    client: OpenSearch | None = None,
    options: EvaluateOptions | None = None,
) -> Iterator[Result]:
    """Return an iterator over the results, a data set and a system each, as soon as there is one.

    Systems are `bm25`, `dense`, each encoder by its name (calibrated scoring) and as `NAME-dot`
    (dot product), `hybrid` (BM25 and the first encoder) and `hybrid-NAME`, `weighted` (the same by
    a weighted sum); the baseline comes first. Means over several data sets come last. All data sets
    and models are read before this returns, so what is wrong with one is known before hours of
    work: `EvaluationError`, `EncoderError`; `ValueError` for an unknown system.
    """
    options = options or EvaluateOptions()
    by_name = dict(zip(unique_names(encoders), encoders, strict=True))
    systems = _ordered(_chosen(list(by_name), options), options)
    if client is None and needs_cluster(systems, in_memory=options.in_memory):
        raise ValueError(
            f"systems {', '.join(systems)} need OpenSearch: hand over a client, or evaluate in "
            "memory without bm25 and hybrid"
        )
    data = read_folders(folders, options)
    if options.runs:
        _check_files("system", systems)
        _check_files("data set", [one.name for one in data])
    dense = None
    if DENSE in systems:
        dense = load_dense(options.dense_model, device=options.dense_device)
    fits = options.fit_hybrid is not None
    settings = options.top_k, options.in_memory, options.keep, options.cache, fits
    return saved(
        _results(data, systems, Setting(by_name, client, dense, *settings), options.fit_hybrid),
        options.runs,
        options.per_query,
    )


def _chosen(models: Sequence[str], options: EvaluateOptions) -> tuple[str, ...]:
    """Return the systems that are asked for, and the one whose weights are fitted."""
    chosen = choose(options.systems, models, in_memory=options.in_memory)
    if options.fit_hybrid is None:
        return chosen
    if not models:
        raise ValueError(f"fit_hybrid={options.fit_hybrid}: hand over a model to fit it with")
    return tuple(dict.fromkeys((*chosen, WEIGHTED)))


def _ordered(systems: tuple[str, ...], options: EvaluateOptions) -> tuple[str, ...]:
    """Return the systems, the baseline first."""
    if options.baseline and options.baseline not in systems:
        raise ValueError(
            f"baseline {options.baseline!r} is not evaluated: choose from {', '.join(systems)}"
        )
    baseline = options.baseline or (BM25 if BM25 in systems else systems[0])
    return (baseline, *(system for system in systems if system != baseline))


def read_folders(folders: Sequence[StrPath], options: EvaluateOptions) -> list[DataSet]:
    """Return the data sets of folders, all that is wrong with them told at once."""
    paths = [Path(folder) for folder in folders]
    found = []
    for path, name in zip(paths, names(paths), strict=True):
        if name == MEAN:
            raise ValueError(f"{path}: {MEAN!r} stands for the mean of data sets: rename it")
        data = read_dataset(path, name, split=options.split, limit=options.queries)
        if options.runs and data.spaced_id is not None:
            raise EvaluationError(
                f"{path}: the id {data.spaced_id!r} has white space, which a TREC run file cannot "
                "hold: evaluate it without saving runs"
            )
        found.append(data)
    return found


def _check_files(kind: str, named: Sequence[str]) -> None:
    files: dict[str, str] = {}
    for name in named:
        other = files.setdefault(file_name(name), name)
        if other != name:
            raise ValueError(
                f"the runs of {kind} {name!r} and {other!r} would be one file: rename one, or "
                "evaluate them one after another"
            )


def _results(
    data: Sequence[DataSet], systems: tuple[str, ...], setting: Setting, fit: StrPath | None
) -> Iterator[Result]:
    figures, judged = [], list[Judged]()
    for one in data:
        for result in _of_dataset(one, systems, setting, judged):
            figures.append(replace(result, run={}, versus=None))  # runs are large
            yield result
    if fit is not None:
        save_fit(fit, next(iter(setting.encoders.values())), judged)
    yield from mean_results(figures)


def _of_dataset(
    one: DataSet, systems: tuple[str, ...], setting: Setting, judged: list[Judged]
) -> Iterator[Result]:
    """Yield the results of a data set; what weights are fitted by is added to `judged`."""
    with ExitStack() as stack:
        runs = SystemRuns(one, setting, stack)
        theirs: Figures | None = None
        for system in systems:
            for found in runs.of(system):
                result = Result.of(one, system, found.run)
                analyzer = _unusual_analyzer(one) if system == BM25 else None
                result = replace(result, top_k=found.top_k, costs=found.costs, analyzer=analyzer)
                if system != systems[0] and theirs is not None:
                    versus = compare(systems[0], theirs, result.by_query)
                    result = replace(result, versus=versus)
                elif system == systems[0]:
                    theirs = result.by_query  # of several cuts, the last
                log.info("evaluated dataset=%s system=%s", one.name, result.label)
                yield result
        judged += [runs.judged] if runs.judged else []


def _unusual_analyzer(data: DataSet) -> str | None:
    return None if data.analyzer == ENGLISH else data.analyzer
