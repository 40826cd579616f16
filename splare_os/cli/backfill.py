"""`splare-os backfill`: impacts for the documents of an index that is there already."""

import json
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import (
    SCORINGS,
    cluster_options,
    cluster_url,
    connect,
    model_option,
    opened_encoder,
    print_json,
)
from .progress import draw

if TYPE_CHECKING:
    from ..scoring import Scoring


def query(_: click.Context, option: click.Parameter, value: str | None) -> dict[str, Any] | None:
    """Return the query that an option gives as JSON."""
    if value is None:
        return None
    try:
        found = json.loads(value)
    except ValueError as error:
        raise click.BadParameter(f"no JSON: {error}", param=option) from error
    if not isinstance(found, dict):
        raise click.BadParameter('give a query, such as \'{"term": {"lang": "en"}}\'', param=option)
    return found


@click.command()
@click.option("--index", required=True, help="Index or alias whose documents get impacts.")
@click.option("--text-field", default="text", show_default=True)
@click.option("--title-field", default="title", show_default=True, help="Empty: there is none.")
@click.option("--where", callback=query, help="Query, as JSON: only documents that match it.")
@click.option("--watch", is_flag=True, help="Go on with what others write, until interrupted.")
@click.option("--max-rate", type=float, help="Documents written a second, at most.")
@click.option(
    "--share",
    default=0.25,
    show_default=True,
    help="Share of the time in which it works: the rest is left to searches; 1 is full speed.",
)
@click.option("--restart", is_flag=True, help="Look at all documents again.")
@click.option(
    "--top-k",
    type=click.IntRange(min=1),
    help="Impacts kept per document; if absent, as many as the index has, or the model gives.",
)
@click.option(
    "--scoring",
    type=click.Choice(SCORINGS),
    help="What impacts are stored for, if there are none yet.  [default: calibrated]",
)
@click.option("--dead-letters", type=click.Path(path_type=Path), help="File for what failed.")
@cluster_options
@model_option
def backfill(
    index: str,
    text_field: str,
    title_field: str,
    where: dict[str, Any] | None,
    watch: bool,
    max_rate: float | None,
    share: float,
    restart: bool,
    top_k: int | None,
    scoring: "Scoring | None",
    dead_letters: Path | None,
    model: str,
    **cluster: str | None,
) -> None:
    """Give the documents of INDEX their impacts, while others go on writing, and print the counts.

    Nothing that others write is lost. Run the same command again after an interruption, or now and
    then: it goes on where it stopped.
    """
    from ..documents.fields import Fields
    from ..index import BackfillOptions
    from ..index import backfill as run_backfill
    from ..layout.cut import check_top_k

    options = BackfillOptions(
        index,
        Fields(text=text_field, title=title_field or None),
        where=where,
        watch=watch,
        is_restarted=restart,
        top_k=top_k,
        scoring=scoring,
        max_rate=max_rate,
        share=share,
        dead_letters=dead_letters,
    )
    encoder = opened_encoder(model)  # first: no cluster is started for nothing
    check_top_k(encoder, top_k)
    with closing(connect(cluster_url(cluster), cluster)) as client:
        run = run_backfill(client, encoder, options)
        ends = (KeyboardInterrupt,) if watch else ()
        with suppress(*ends):
            draw(run, index)
    print_json(run.counts)
    if run.counts["dead"]:
        letters = ", ".join(map(str, run.dead_letters))
        click.echo(f"{run.counts['dead']} failed, with reasons in {letters}", err=True)
        sys.exit(1)
