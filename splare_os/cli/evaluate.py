"""`splare-os evaluate`: systems on data sets."""

import sys
from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import (
    cluster_options,
    connect,
    dense_device,
    models_option,
    names,
    opened_encoder,
    print_json,
)

if TYPE_CHECKING:
    from ..evaluate import Result


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False))
@click.option(
    "--systems",
    callback=names,
    default="",
    help="Some of bm25,dense,MODEL,MODEL-dot,hybrid,hybrid-MODEL,weighted, by comma; the usual if "
    "absent.",
)
@click.option("--baseline", default="", help="System the others are tested against; bm25.")
@click.option("--in-memory", is_flag=True, help="Score models exactly without OpenSearch.")
@click.option(
    "--top-k",
    callback=names,
    default="",
    help="Cuts of documents, by comma: a result for each; 100, or 25% of the mean latents.",
)
@click.option("--queries", type=click.IntRange(min=1), help="Only the first so many queries.")
@click.option("--split", default="test", show_default=True, help="Which judgements are read.")
@click.option("--dense-model", help="Bi-encoder to compare with, instead of all-MiniLM-L6-v2.")
@click.option("--no-cache", is_flag=True, help="Keep no impacts and vectors for the next time.")
@click.option("--runs", type=click.Path(file_okay=False, path_type=Path), help="Folder for runs.")
@click.option(
    "--per-query",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the figures of each query.",
)
@click.option(
    "--search-log",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare the arms of a rollout in this log (docs/rules.md), in place of systems.",
)
@click.option("--rule", help="Of --search-log: whose searches, if several rules are in it.")
@click.option(
    "--fit-hybrid",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the weights of BM25 and the first model, fitted to the judgements.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines also on a terminal.")
@cluster_options
@models_option
def evaluate(
    folders: tuple[str, ...],
    systems: tuple[str, ...],
    baseline: str,
    in_memory: bool,
    top_k: tuple[str, ...],
    queries: int | None,
    split: str,
    dense_model: str | None,
    no_cache: bool,
    runs: Path | None,
    per_query: Path | None,
    search_log: Path | None,
    rule: str | None,
    fit_hybrid: Path | None,
    as_json: bool,
    model: tuple[str, ...],
    **cluster: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Measure systems on FOLDERS in BEIR form: a line for each data set and system.

    --model may be given several times: the models are compared side by side.
    """
    from ..evaluate import EvaluateOptions, check_folders, compare_arms, evaluate
    from ..evaluate.cuts import read_cut

    check_folders(folders, split)  # before anything is started for them
    options = EvaluateOptions(
        systems=systems,
        queries=queries,
        split=split,
        dense_model=dense_model,
        dense_device=dense_device(),
        baseline=baseline,
        top_k=tuple(map(read_cut, top_k)),
        in_memory=in_memory,
        cache=not no_cache,
        runs=runs,
        per_query=per_query,
        fit_hybrid=fit_hybrid,
    )
    if search_log is not None:
        if systems or in_memory or top_k or baseline:
            raise click.UsageError("--search-log compares arms: leave out what is about systems")
        arms = compare_arms(folders, search_log, options, rule=rule)
        _show_results(arms, as_json=as_json)
        return
    encoders = [opened_encoder(name) for name in model]
    with ExitStack() as stack:
        client = None
        if options.needs_cluster:
            client = stack.enter_context(closing(connect(cluster)))
        _show_results(evaluate(folders, encoders, client, options), as_json=as_json)


def _show_results(results: Iterable["Result"], *, as_json: bool) -> None:
    """Print results; exit 1 if a system could not take all documents."""
    from ..evaluate import MISSING, details, table
    from .show import console

    found: list[Result] = []
    is_table = sys.stdout.isatty() and not as_json
    try:
        for result in results:
            found.append(replace(result, run={}))  # runs are large
            if not is_table:
                print_json(result.to_json())
    finally:  # what is measured is shown, whatever ended it
        for drawn in (table, details) if is_table and found else ():
            console().print(drawn(found))
    if any(MISSING in result.costs for result in found):
        sys.exit(1)
