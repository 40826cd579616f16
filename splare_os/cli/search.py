"""`splare-os search`: one query, a line a hit, or a table."""

import sys
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from .labels import with_labels
from .options import (
    SCORINGS,
    cluster_options,
    connect,
    model_option,
    opened_encoder,
    print_json,
)
from .steering import Steered, steering_options

if TYPE_CHECKING:
    from ..scoring import Scoring


@click.command()
@click.argument("query", required=False)
@click.option("--index", required=True, help="Index, alias or pattern to search.")
@click.option("--text-field", help="Field whose impacts are searched; needed if there are several.")
@click.option("--size", default=10, show_default=True, help="Number of hits.")
@click.option("--two-step", is_flag=True, help="A cheap first pass, then exact scores of 500.")
@click.option("--explain", is_flag=True, help="Tell which latents, and which words, matched.")
@click.option("--scoring", type=click.Choice(SCORINGS), default="calibrated", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines also on a terminal.")
@steering_options
@cluster_options
@model_option
def search(
    query: str | None,
    index: str,
    text_field: str | None,
    size: int,
    two_step: bool,
    explain: bool,
    scoring: "Scoring",
    as_json: bool,
    model: str,
    **cluster: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Search INDEX for QUERY: one line a hit, a table on a terminal."""
    from ..search import SearchOptions, search

    plain = SearchOptions(
        text_field, size=size, two_step=two_step, explain=explain, scoring=scoring
    )
    steered, encoder = Steered.read(cluster, query), opened_encoder(model)  # before a cluster
    options = steered.options(plain, encoder)
    with closing(connect(cluster)) as client:
        hits = with_labels(client, encoder, search(client, encoder, index, steered.query, options))
    if sys.stdout.isatty() and not as_json:
        from .show import console, hits_table

        console().print(hits_table(hits))
        return
    for hit in hits:
        line = {"_id": hit.id, "_score": hit.score, "_source": hit.source}
        matches = [asdict(match) for match in hit.matches]
        print_json(line | ({"text": hit.text, "matches": matches} if explain else {}))
