"""What is kept of results: TREC run files, and the figures of every query."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..paths import StrPath
from .results import DECIMALS, MEAN, Json, Result
from .runs import ranked


def saved(
    results: Iterable[Result], runs: StrPath | None, per_query: StrPath | None
) -> Iterator[Result]:
    """Yield the results, each when its run and its queries' figures are in their files."""
    if per_query is not None:
        Path(per_query).write_text("", encoding="utf-8")
    for result in results:
        if runs is not None and result.dataset != MEAN:
            save_run(result, runs)
        if per_query is not None and result.dataset != MEAN:
            lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in query_lines(result))
            with Path(per_query).open("a", encoding="utf-8") as file:
                file.writelines(lines)
        yield result


def save_run(result: Result, folder: StrPath) -> Path:
    """Return the TREC run file that a result was written to: `DATASET.SYSTEM.trec` in `folder`.

    Six columns: query, Q0, document, rank from 1, score, system. A slash in a name becomes `-`.
    Scores fall from rank to rank by one float32 at least: trec_eval looks at nothing else.
    """
    path = Path(folder) / file_name(f"{result.dataset}.{result.label}.trec")
    path.parent.mkdir(parents=True, exist_ok=True)
    tag = "_".join(result.label.split())
    with path.open("w", encoding="utf-8") as file:
        for query, hits in result.run.items():
            names = ranked(hits)
            falling = strictly_falling([hits[name] for name in names])
            for rank, (name, score) in enumerate(zip(names, falling, strict=True), 1):
                file.write(f"{query} Q0 {name} {rank} {score!r} {tag}\n")
    return path


def file_name(name: str) -> str:
    """Return a name as a file may have it."""
    return name.replace("/", "-")


def strictly_falling(scores: Iterable[float]) -> list[float]:
    """Return falling scores in float32, none equal to the one before.

    >>> strictly_falling([2.0, 1.0, 1.0])
    [2.0, 1.0, 0.9999999403953552]
    """
    fallen: list[float] = []
    for score in map(np.float32, scores):
        most = np.nextafter(np.float32(fallen[-1]), np.float32(-np.inf)) if fallen else score
        fallen.append(float(min(score, most)))
    return fallen


def query_lines(result: Result) -> Iterator[Json]:
    """Yield a line for each query: its measures, and how far each is above the baseline's."""
    named: Json = {"dataset": result.dataset, "system": result.system}
    if result.top_k is not None:
        named["top_k"] = result.top_k
    for query in next(iter(result.by_query.values())):
        line = named | {"query": query}
        for name, values in result.by_query.items():
            line[name] = round(values[query], DECIMALS)
        if result.versus is not None:
            line["baseline"] = result.versus.baseline
            for name, values in result.versus.differences.items():
                line[f"{name} difference"] = round(values[query], DECIMALS)
        yield line
