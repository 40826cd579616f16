"""`splare-os backfill`: impacts for the documents of an index that is there already."""

import json
import sys
from contextlib import closing
from typing import Any

import click

from .index_option import index_option
from .interrupt import interruptible
from .letters import tell_dead
from .options import (
    cluster_options,
    connect,
    impacts_options,
    model_option,
    opened_for_batches,
    part,
    print_json,
    text_fields,
)
from .progress import chosen_reports, draw, report_options


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
@index_option("Index or alias whose documents get impacts.", required=True)
@impacts_options
@click.option("--where", callback=query, help="Query, as JSON: only documents that match it.")
@click.option("--watch", is_flag=True, help="Go on with what others write, until interrupted.")
@click.option("--max-rate", type=float, help="Documents written a second, at most.")
@click.option(
    "--share",
    default=0.25,
    show_default=True,
    help="Share of the time in which it works: the rest is left to searches; 1 is full speed.",
)
@click.option("--restart", "is_restarted", is_flag=True, help="Look at all documents again.")
@report_options
@cluster_options
@model_option
def backfill(
    index: str,
    model: str,
    **chosen: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Give the documents of INDEX their impacts, while others go on writing, and print the counts.

    Nothing that others write is lost. Run the same command again after an interruption, or now and
    then: it goes on where it stopped.
    """
    from ..index import BackfillOptions
    from ..index import backfill as run_backfill

    options = BackfillOptions(index, text_fields(chosen), **part(chosen, BackfillOptions))
    encoder = opened_for_batches(model)  # first: no cluster is started for nothing
    options.cut.check(encoder)
    with closing(connect(chosen)) as client:
        run = run_backfill(client, encoder, options)
        with interruptible(is_end=options.watch):
            draw(run, index, chosen_reports(chosen))
    print_json(run.counts)
    if run.counts["dead"]:
        tell_dead(run.counts["dead"], run.dead_letters)
        sys.exit(1)
