"""Data sets below a folder that a benchmark reads: its options, and what is there."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from splare_os.cli.options import C, added, names
from splare_os.evaluate.datasets import DataSet, read_dataset

from .results import folders_below

MOST_QUERIES = 1500
"""Of a data set."""


def data_options(*, documents: int) -> Callable[[C], C]:
    """Return what adds DATA, how many of its documents are taken, a model, and which data sets."""

    def with_options(command: C) -> C:
        at_least = click.IntRange(min=1000)
        return added(
            command,
            click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path)),
            click.option("--documents", default=documents, show_default=True, type=at_least),
            click.option("--model", default="mini", show_default=True),
            click.option("--sets", default="", callback=names, help="Only these data sets."),
        )

    return with_options


def page_options(*, queries: int) -> Callable[[C], C]:
    """Return what adds a model, which data sets and queries, a page for figures and a picture."""
    file = partial(click.Path, dir_okay=False, path_type=Path)

    def with_options(command: C) -> C:
        return added(
            command,
            click.option("--model", default="mini", show_default=True),
            click.option("--sets", default="", callback=names, help="Only these data sets."),
            click.option(
                "--queries", default=queries, show_default=True, type=click.IntRange(min=1)
            ),
            click.option("--page", type=file(exists=True)),
            click.option("--plot", "picture", type=file()),
        )

    return with_options


def read_sets(data: Path, sets: Sequence[str]) -> list[DataSet]:
    """Return these data sets below a folder; without names, all."""
    found = folders_below(data)
    return [read_dataset(found[name], name, limit=MOST_QUERIES) for name in sets or found]
