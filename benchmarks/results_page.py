"""The page of results as Markdown, from finished rows: pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from splare_os.evaluate import MEASURES, MISSING
from splare_os.evaluate.comparison import TESTED, compare
from splare_os.evaluate.cuts import Cut
from splare_os.evaluate.systems import DOT, HYBRID, WEIGHTED, scored_model

__all__ = ["TESTED", "Row", "page"]

Row: TypeAlias = dict[str, Any]
"""A line of `splare-os evaluate`, with `by_query`: the tested measure of each query."""

Cells: TypeAlias = dict[str, dict[str, Row]]
"""Data set to system to its row."""

NONE = "–"
INCOMPLETE = "†"
BASELINES = ("bm25", "dense")

HEAD = """# Results

Written by `python -m benchmarks.results`; every figure is `splare-os evaluate`'s, and
[evaluation.md](evaluation.md) says what each means. BM25 is OpenSearch's own; models and the dense
bi-encoder (what its window holds) are scored exactly, models by their impacts as the index keeps
them, as many as the model itself keeps of a document. NAME is a model with calibrated scoring,
NAME-dot with plain dot products ([scoring.md](scoring.md)); hybrid is the reciprocal rank fusion of
BM25 and the first model, with either, and weighted their weighted sum
([search.md](search.md#words-and-latents)). A data set has at most {queries} queries, the first of
its judgements. Means are over data sets: {mean_over}; and over all others.

Models: {models}. Others made by the same recipe, and the dense
bi-encoder where it has no column here: [variants.md](variants.md).
"""

SHARES = """Uncut documents are as the model keeps them, with so many latents in the mean; a cut in
percent is of that mean.

"""


def page(
    rows: Iterable[Row], models: Mapping[str, str], mean_over: Sequence[str], queries: int
) -> str:
    """Return the page; `models` are names and fingerprints, the first one in the hybrid."""
    whole: Cells = {}
    cut: dict[str, dict[str, dict[Cut, Row]]] = {}
    for row in rows:
        if row.get("top_k") is None:
            whole.setdefault(row["dataset"], {})[row["system"]] = row
        else:
            curve = cut.setdefault(row["system"], {}).setdefault(row["dataset"], {})
            curve[row["top_k"]] = row
    scored = [system for system in _systems(whole) if scored_model(system, models)]
    hybrids = [system for system in _systems(whole) if is_fused(system)]
    told = ", ".join(f"{name} (`{fingerprint}`)" for name, fingerprint in models.items())
    parts = [
        HEAD.format(queries=f"{queries:,}", mean_over=", ".join(mean_over), models=told),
        _figures(whole, mean_over),
        _measures(whole, mean_over),
        _sparsity(whole, scored, mean_over),
        *(_tests(whole, system, mean_over) for system in (*scored, *hybrids)),
        *(_curve(whole, system, rows_of, mean_over) for system, rows_of in cut.items()),
    ]
    return "\n".join(parts)


def is_fused(system: str) -> bool:
    """Return whether a system is BM25 and a model together."""
    return system.split("-")[0] in {HYBRID, WEIGHTED}


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table, its first column to the left and the others to the right.

    >>> print(table(["set", "n"], [["a", "1"]]), end="")
    | set | n |
    |---|---:|
    | a | 1 |
    """
    rule = "|".join(["---", *["---:"] * (len(heads) - 1)])
    rows = [f"| {' | '.join(line)} |" for line in (heads, *lines)]
    return "\n".join([rows[0], f"|{rule}|", *rows[1:]]) + "\n"


def mean(values: Sequence[float]) -> float:
    """Return the mean of at least one value."""
    return sum(values) / len(values)


def _systems(whole: Cells) -> list[str]:
    return list(dict.fromkeys(system for row in whole.values() for system in row))


def _figures(whole: Cells, mean_over: Sequence[str]) -> str:
    systems = _systems(whole)
    lines = []
    for dataset, row in whole.items():
        n = str(next(iter(row.values()))["queries"])
        figures = [row[system][TESTED] if system in row else None for system in systems]
        marks = [INCOMPLETE if MISSING in row.get(system, {}) else "" for system in systems]
        cells = [cell + mark for cell, mark in zip(_best_bold(figures), marks, strict=True)]
        lines.append([dataset, n, *cells])
    for title, sets in _means(whole, mean_over):
        means = [_mean_of(whole, system, TESTED, sets) for system in systems]
        lines.append([title, "", *_best_bold(means)])
    return f"## nDCG@10\n\n{table(['data set', 'queries', *systems], lines)}{_incomplete(whole)}"


def _means(whole: Cells, mean_over: Sequence[str]) -> list[tuple[str, Sequence[str]]]:
    """Return what means are over: the data sets that are named, and all others."""
    others = [dataset for dataset in whole if dataset not in mean_over]
    rest = [(f"mean of the other {len(others)}", others)] if others else []
    return [(f"mean of {len(mean_over)}", mean_over), *rest]


def _incomplete(whole: Cells) -> str:
    """Return what documents are missing where, if any are; figures in such cells are too low."""
    told = [
        f"{system} on {dataset} lacks {found[MISSING]}"
        for dataset, row in whole.items()
        for system, found in row.items()
        if MISSING in found
    ]
    return f"\n{INCOMPLETE} Documents are missing: {'; '.join(told)}.\n" if told else ""


def _measures(whole: Cells, mean_over: Sequence[str]) -> str:
    lines = [
        [system, *_shown(_mean_of(whole, system, name, mean_over) for name in MEASURES)]
        for system in _systems(whole)
    ]
    title = f"## All measures, means of {len(mean_over)} data sets"
    return f"{title}\n\n{table(['system', *MEASURES], lines)}"


def _sparsity(whole: Cells, models: Sequence[str], mean_over: Sequence[str]) -> str:
    names = ("query_latents", "document_latents", "flops")
    lines = []
    for dataset, row in whole.items():
        lines.append([dataset, *(_costs([row[model][name] for name in names]) for model in models)])
    means = [
        _costs([mean([whole[dataset][model][name] for dataset in mean_over]) for name in names])
        for model in models
    ]
    lines.append([f"mean of {len(mean_over)}", *means])
    title = "## Active latents of a query / of a document / FLOPS of a pair"
    return f"{title}\n\n{table(['data set', *models], lines)}"


def _tests(whole: Cells, system: str, mean_over: Sequence[str]) -> str:
    known = _systems(whole)
    of_hybrids = [name for name in known if name.startswith(f"{HYBRID}-") and name.endswith(DOT)]
    plain = next(iter(of_hybrids), "") if system == HYBRID else system + DOT
    plain = HYBRID if system == WEIGHTED else plain
    baselines = [name for name in (*BASELINES, plain) if name in known]
    lines = []
    for dataset, row in whole.items():
        lines.append([dataset, *(_test(row, system, baseline) for baseline in baselines)])
    for title, sets in _means(whole, mean_over):
        gains = [f"{_gain(whole, system, baseline, sets):+.4f}" for baseline in baselines]
        lines.append([title, *gains])
    heads = ["data set", *(f"against {baseline}" for baseline in baselines)]
    title = f"## {system}: difference of nDCG@10 (p of the paired t-test; won / tied / lost)"
    return f"{title}\n\n{table(heads, lines)}"


def _gain(whole: Cells, system: str, baseline: str, mean_over: Sequence[str]) -> float:
    rows = [whole[dataset] for dataset in mean_over]
    return mean([row[system][TESTED] - row[baseline][TESTED] for row in rows])


def _test(row: Mapping[str, Row], system: str, baseline: str) -> str:
    theirs, ours = ({TESTED: row[name]["by_query"]} for name in (baseline, system))
    found = compare(baseline, theirs, ours)
    gain = mean(list(found.differences[TESTED].values()))
    p = NONE if found.p_value is None else f"{found.p_value:.3f}"
    return f"{gain:+.4f} ({p}; {found.wins} / {found.ties} / {found.losses})"


def _curve(
    whole: Cells, system: str, cut: Mapping[str, Mapping[Cut, Row]], mean_over: Sequence[str]
) -> str:
    cuts = list(dict.fromkeys(top_k for rows in cut.values() for top_k in rows))
    lines = []
    for dataset, rows in cut.items():
        full = whole[dataset][system][TESTED]
        shares = [_share(rows[top_k][TESTED], full) for top_k in cuts]
        lines.append([dataset, _latents(whole, system, [dataset]), f"{full:.4f}", *shares])
    full = mean([whole[dataset][system][TESTED] for dataset in mean_over])
    kept = [mean([cut[dataset][top_k][TESTED] for dataset in mean_over]) for top_k in cuts]
    shares = [_share(one, full) for one in kept]
    latents = _latents(whole, system, mean_over)
    lines.append([f"mean of {len(mean_over)}", latents, f"{full:.4f}", *shares])
    title = f"## {system}: share of nDCG@10 kept when documents are cut to their heaviest latents"
    heads = ["data set", "latents", "uncut", *map(str, cuts)]
    return f"{title}\n\n{SHARES}{table(heads, lines)}"


def _latents(whole: Cells, system: str, datasets: Sequence[str]) -> str:
    return f"{mean([whole[dataset][system]['document_latents'] for dataset in datasets]):.0f}"


def _share(part: float, full: float) -> str:
    return f"{100 * part / full:.1f} %" if full else NONE


def _costs(values: Sequence[float]) -> str:
    query, document, flops = values
    return f"{query:.1f} / {document:.1f} / {flops:.2f}"


def _mean_of(whole: Cells, system: str, name: str, mean_over: Sequence[str]) -> float | None:
    rows = [whole[dataset].get(system) for dataset in mean_over]
    values = [row[name] for row in rows if row is not None]
    return mean(values) if len(values) == len(rows) else None


def _shown(figures: Iterable[float | None]) -> list[str]:
    return [NONE if figure is None else f"{figure:.4f}" for figure in figures]


def _best_bold(figures: Sequence[float | None]) -> list[str]:
    shown = _shown(figures)
    best = max((cell for cell in shown if cell != NONE), default="")
    return [f"**{cell}**" if cell == best else cell for cell in shown]
