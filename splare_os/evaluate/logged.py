"""The arms of a rollout, compared by what an application has logged of its searches."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, get_args

from ..errors import EvaluationError
from ..paths import StrPath
from ..search.rules.rule import Arm
from ..search.rules.searched import text_hash
from .comparison import compare
from .datasets import DataSet, Queries
from .evaluate import EvaluateOptions, read_folders
from .export import saved
from .results import Result, mean_results
from .runs import Run

log = logging.getLogger(__name__)

Line: TypeAlias = Mapping[str, object]

BASELINE, TREATMENT = get_args(Arm)


def compare_arms(
    folders: Sequence[StrPath],
    path: StrPath,
    options: EvaluateOptions | None = None,
    *,
    rule: str | None = None,
) -> Iterator[Result]:
    """Return an iterator over the results of `control` and `treatment` on each data set.

    `path` is a search log. Only queries count that both arms have searched for; of several searches
    of an arm for one, the last first page. `rule`: which rule's searches; None: there is but one.
    `EvaluationError` for a log that cannot be read, or without such queries.
    """
    options = options or EvaluateOptions()
    lines = list(_lines(path))
    _check_rule(path, {str(line["rule"]) for line in lines}, rule)
    lines = [line for line in lines if rule in (None, line["rule"])]
    data = read_folders(folders, options)
    found = [_shared(path, one, logged_runs(lines, one.queries)) for one in data]
    return saved(_results(found), options.runs, options.per_query)


def logged_runs(lines: Iterable[Line], queries: Queries) -> dict[str, Run]:
    """Return for each arm the last logged ranking of each query, as scores that fall by rank."""
    names: dict[str, list[str]] = {}
    for query, text in queries.items():
        names.setdefault(text_hash(text), []).append(query)
    runs: dict[str, Run] = {BASELINE: {}, TREATMENT: {}}
    for line in lines:
        arm, hits = str(line["arm"]), line["hits"]
        if arm in runs and line["from"] == 0 and isinstance(hits, list):
            asked = line.get("text_hash") or text_hash(str(line.get("text")))
            for query in names.get(str(asked), ()):
                runs[arm][query] = {str(name): -float(rank) for rank, name in enumerate(hits)}
    return runs


def _results(found: Sequence[tuple[DataSet, dict[str, Run]]]) -> Iterator[Result]:
    results = []
    for data, runs in found:
        control = Result.of(data, BASELINE, runs[BASELINE])
        treatment = Result.of(data, TREATMENT, runs[TREATMENT])
        versus = compare(BASELINE, control.by_query, treatment.by_query)
        for result in (control, replace(treatment, versus=versus)):
            results.append(replace(result, run={}, versus=None))
            yield result
    yield from mean_results(results)


def _shared(path: StrPath, data: DataSet, runs: dict[str, Run]) -> tuple[DataSet, dict[str, Run]]:
    """Return a data set and its runs with those queries alone that both arms have."""
    shared = [query for query in data.queries if all(query in run for run in runs.values())]
    counts = ", ".join(f"{arm} {len(run)}" for arm, run in runs.items())
    if not shared:
        raise EvaluationError(
            f"search log {path}: no judged query of {data.name} was searched for in both arms "
            f"({counts} of {len(data.queries)}): queries are told by their texts"
        )
    log.info("%s: %d queries in both arms (%s)", data.name, len(shared), counts)
    kept = replace(data, qrels={query: data.qrels[query] for query in shared})
    return kept, {arm: {query: run[query] for query in shared} for arm, run in runs.items()}


def _check_rule(path: StrPath, rules: set[str], rule: str | None) -> None:
    known = ", ".join(sorted(rules)) or "none"
    if rule is not None and rule not in rules:
        raise EvaluationError(f"search log {path}: no rule {rule!r}; it has {known}")
    if rule is None and len(rules) > 1:
        raise EvaluationError(f"search log {path}: it has several rules, {known}: name one")


def _lines(path: StrPath) -> Iterator[Line]:
    """Yield the lines of a log; one that is just being written is left out."""
    text = Path(path).read_text(encoding="utf-8")
    for number, written in enumerate(text.split("\n")[:-1], 1):
        try:
            line = json.loads(written)
        except ValueError:
            line = None
        if not isinstance(line, Mapping) or not {"rule", "arm", "from", "hits"} <= line.keys():
            raise EvaluationError(f"search log {path}, line {number}: {written[:200]!r} is none")
        yield line
