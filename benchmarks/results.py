"""The page of results: every system on every data set, from one command.

python -m benchmarks.results DATA --out docs/results.md --models mini,DIR takes every folder in BEIR
form below DATA, measures BM25 (OpenSearch), the dense model, the models (in memory, exactly) and
BM25 + the first model, and writes the page. What is finished is kept in a work file and not
computed again, so the command may be interrupted and repeated; delete the file to start over.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import click
from opensearchpy import OpenSearch
from sentence_transformers import SentenceTransformer

from splare_os.cli.main import errors_in_one_line
from splare_os.cli.options import (
    cluster_options,
    connect,
    names,
)
from splare_os.encode.load import load_encoder
from splare_os.encode.quiet import quieten_transformers
from splare_os.encoder import Encoder, own_prior
from splare_os.evaluate import MISSING, EvaluateOptions, Result, evaluate, unique_names
from splare_os.evaluate.cuts import Cut, read_cut
from splare_os.evaluate.datasets import DataSet, read_dataset
from splare_os.evaluate.dense import load_dense, store_key
from splare_os.evaluate.encoded import made_by, own_cut
from splare_os.evaluate.indexing import texts_key
from splare_os.evaluate.store import default_cache_folder, digest
from splare_os.evaluate.systems import DOT, HYBRID, WEIGHTED, scored_model
from splare_os.layout.saturating import default_saturation
from splare_os.scoring import ALPHA, Scoring

from .results_page import TESTED, Row, is_fused, page

CUTS = "25%,25,50,100,200,400"
Key: TypeAlias = str


@dataclass(frozen=True)
class Plan:
    """What is measured: models by name, those with a pruning curve and its cuts, and how much."""

    models: Mapping[str, Encoder]
    curves: Sequence[str]
    cuts: tuple[Cut, ...]
    queries: int
    dense: SentenceTransformer | None
    dense_model: str | None = None
    dense_device: str | None = None

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems without a cut, in the order of the page."""
        scored = (f"{model}{dot}" for model in self.models for dot in ("", DOT))
        dense = () if self.dense is None else ("dense",)
        return ("bm25", *dense, *scored, "hybrid", f"hybrid-{self.first}{DOT}", WEIGHTED)

    @property
    def first(self) -> str:
        """The model that is in the hybrids."""
        return next(iter(self.models))

    def key(self, data: DataSet, system: str, top_k: Cut | None = None) -> Key:
        """Return what the figures of a system on a data set depend on."""
        is_hybrid = is_fused(system)
        name = self.first if system in {HYBRID, WEIGHTED} else system.removeprefix(f"{HYBRID}-")
        scored = scored_model(name, self.models)
        parts = []
        if scored is not None:
            model, scoring = self.models[scored[0]], scored[1]
            parts = [*made_by(model), own_cut(model, "query"), *_scored(model, scoring)]
        if system == "dense" and self.dense is not None:
            parts = [digest(*store_key(self.dense, data))]
        if system == "bm25" or is_hybrid:
            parts.append(texts_key(data.analyzer))
        kind = system.split("-")[0] if is_hybrid else "model" if scored is not None else system
        judged = digest(json.dumps([data.queries, data.qrels]))
        return json.dumps([data.fingerprint, judged, kind, *parts, top_k])


def _scored(model: Encoder, scoring: Scoring) -> list[str]:
    """Return what the scores of a model depend on besides its impacts."""
    if scoring == "dot":
        return [scoring]
    prior = own_prior(model)
    counts = [] if prior is None else [prior.documents, *prior.document_frequency.tolist()]
    return [scoring, str(ALPHA), str(default_saturation(model, scoring)), digest(str(counts))]


class WorkFile:
    """Finished rows, a JSON line each; a line that an interruption cut off does not count."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        try:
            self.rows: dict[Key, Row] = {
                row["key"]: row for row in map(json.loads, whole.splitlines())
            }
        except (ValueError, KeyError, TypeError) as error:
            raise click.UsageError(
                f"--work {path}: it holds no finished rows; name another"
            ) from error
        if len(whole) < len(content):
            os.truncate(path, len(whole))

    def add(self, key: Key, result: Result) -> None:
        """Write the row of a result, with the tested measure of each query.

        A row that lacks documents is for this page only: the next time may find them all.
        """
        by_query = {query: round(value, 6) for query, value in result.by_query[TESTED].items()}
        row = replace(result, versus=None).to_json() | {"key": key, "by_query": by_query}
        self.rows[key] = row
        if MISSING in result.costs:
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def folders_below(data: Path) -> dict[str, Path]:
    """Return the data sets below a folder by their path in it."""
    found = {path.parent for path in data.rglob("corpus.jsonl*")}
    if not found:
        raise click.UsageError(
            f"{data} has no folder with a corpus.jsonl or corpus.jsonl.gz below it"
        )
    return {folder.relative_to(data).as_posix(): folder for folder in sorted(found)}


def measured(
    plan: Plan, sets: Mapping[str, Path], work: WorkFile, client: OpenSearch
) -> Iterator[Row]:
    """Yield the rows of all data sets, those that are not in the work file after computing them."""
    read = [read_dataset(folder, name, limit=plan.queries) for name, folder in sets.items()]
    for data in read:  # all are read by now: what is wrong with one is known before hours of work
        name, folder = data.name, sets[data.name]
        keys = {(system, None): plan.key(data, system) for system in plan.systems}
        for model in plan.curves:
            for cut in plan.cuts:
                keys[model, cut] = plan.key(data, model, cut)
        missing = [pair for pair, key in keys.items() if key not in work.rows]
        for result in _computed(plan, folder, missing, client):
            work.add(keys[result.system, result.top_k], replace(result, dataset=name))
            click.echo(f"{name} {result.label} {result.figures[TESTED]:.4f}", err=True)
        for (system, _), key in keys.items():
            yield work.rows[key] | {"dataset": name, "system": system}


def _computed(
    plan: Plan, folder: Path, missing: Sequence[tuple[str, Cut | None]], client: OpenSearch
) -> Iterator[Result]:
    encoders = list(plan.models.values())
    whole = tuple(system for system, cut in missing if cut is None)
    options = EvaluateOptions(
        systems=whole,
        queries=plan.queries,
        dense_model=plan.dense_model,
        dense_device=plan.dense_device,
        in_memory=True,
    )
    if whole:
        yield from evaluate([folder], encoders, client, options)
    for model in plan.curves:
        cuts = tuple(cut for system, cut in missing if system == model and cut is not None)
        if cuts:
            one = replace(options, systems=(model,), top_k=cuts)
            yield from evaluate([folder], encoders, client, one)


def known_only(option: str, given: Sequence[str], known: Sequence[str]) -> None:
    """Refuse what an option names and nothing is known of."""
    for name in given:
        if name not in known:
            raise click.UsageError(f"{option} {name!r}: choose from {', '.join(known)}")


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--models", default="mini", show_default=True, callback=names, help="By comma.")
@click.option("--mean-over", default="", callback=names, help="Data sets of the means; all.")
@click.option("--sets", default="", callback=names, help="Only these data sets.")
@click.option("--queries", default=1500, show_default=True, type=click.IntRange(min=1))
@click.option("--curves", default="", callback=names, help="Models that are cut; the first.")
@click.option("--top-k", default=CUTS, show_default=True, callback=names, help="The cuts.")
@click.option("--dense-model", help="Instead of all-MiniLM-L6-v2.")
@click.option("--dense/--no-dense", default=True, help="Measure the dense model, the slowest.")
@click.option("--device", help="Where models run.")
@click.option("--dtype", help="Their precision.")
@click.option("--work", type=click.Path(dir_okay=False, path_type=Path), help="Finished rows.")
@cluster_options
def main(
    data: Path,
    out: Path,
    work: Path | None,
    **asked: Any,  # noqa: ANN401  # options of several types
) -> None:
    """Write the page of results over the data sets below DATA."""
    sets = folders_below(data)
    known_only("--sets", asked["sets"], list(sets))
    sets = {name: sets[name] for name in asked["sets"] or sets}
    known_only("--mean-over", asked["mean_over"], list(sets))
    if not out.parent.is_dir():
        raise click.UsageError(f"--out {out}: there is no such folder; make it first")
    with errors_in_one_line():
        plan = plan_of(asked)
        finished = WorkFile(work or default_cache_folder() / "results.jsonl")
        with closing(connect(asked)) as client:
            rows = list(measured(plan, sets, finished, client))
    models = {name: encoder.fingerprint for name, encoder in plan.models.items()}
    text = page(rows, models, asked["mean_over"] or tuple(sets), plan.queries)
    out.write_text(text, encoding="utf-8")
    click.echo(f"{out}: {len(rows)} rows", err=True)


def plan_of(asked: Mapping[str, Any]) -> Plan:
    """Return the plan of the command's options, its models loaded."""
    try:
        cuts = tuple(dict.fromkeys(map(read_cut, asked["top_k"])))
        EvaluateOptions(top_k=cuts)
    except ValueError as error:
        raise click.UsageError(f"--top-k: {error}") from error
    if not asked["models"]:
        raise click.UsageError("--models '': name at least one, such as mini")
    quieten_transformers()
    encoders = [
        load_encoder(name, device=asked["device"], dtype=asked["dtype"]) for name in asked["models"]
    ]
    device = asked["device"].split(",")[0] if asked["device"] else None
    dense = load_dense(asked["dense_model"], device=device) if asked["dense"] else None
    models = dict(zip(unique_names(encoders), encoders, strict=True))
    known_only("--curves", asked["curves"], list(models))
    curves = asked["curves"] or tuple(models)[:1]
    return Plan(models, curves, cuts, asked["queries"], dense, asked["dense_model"], device)


if __name__ == "__main__":
    main()
