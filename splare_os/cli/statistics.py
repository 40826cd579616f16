"""`splare-os statistics`: how many documents of an index show each latent, counted and kept."""

from contextlib import closing
from dataclasses import asdict
from typing import Any

import click

from .index_option import index_option
from .options import cluster_options, connect, print_json


@click.command()
@index_option("Index, alias or pattern.", required=True)
@click.option("--text-field", help="Only of this field; of every field if absent.")
@click.option(
    "--sample", type=click.IntRange(1), help="Look at so many documents, drawn at random."
)
@click.option(
    "--max-age", "max_age_s", type=float, help="Leave statistics that are at most so many s old."
)
@click.option(
    "--max-growth",
    default=0.1,
    show_default=True,
    help="With --max-age: but not if documents grew by this share.",
)
@cluster_options
def statistics(
    index: str,
    text_field: str | None,
    sample: int | None,
    max_age_s: float | None,
    max_growth: float,
    **cluster: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Take the statistics of INDEX that calibrated scores need, and print a line for each field.

    `splare-os index` keeps them itself; this is for documents that others wrote or deleted.
    """
    from ..index.census import CensusOptions, take_census

    options = CensusOptions(text_field, sample, max_age_s, max_growth)
    with closing(connect(cluster)) as client:
        for census in take_census(client, index, options):
            print_json(asdict(census))
