"""`splare-os remove-impacts`: an impacts field out of an index, after a change of the model."""

from contextlib import closing
from typing import Any

import click

from .index_option import index_option
from .interrupt import interruptible
from .options import cluster_options, connect, print_json


@click.command()
@index_option("Index or alias.", required=True)
@click.option("--impacts-field", required=True, help="Field to remove, such as text_splare.")
@click.option(
    "--share",
    default=0.25,
    show_default=True,
    help="Share of the time in which it works: the rest is left to searches; 1 is full speed.",
)
@click.option(
    "--grace",
    "grace_s",
    default=30.0,
    show_default=True,
    help="Seconds that clients have to notice, before impacts go.",
)
@cluster_options
def remove_impacts(
    index: str,
    impacts_field: str,
    share: float,
    grace_s: float,
    **cluster: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Take the impacts of a field out of INDEX, once no application searches them any more.

    First the record of its model goes, after the grace the impacts. Documents keep all else.
    """
    from ..index.removal import remove_impacts as removed

    with closing(connect(cluster)) as client, interruptible():
        n_removed = sum(removed(client, index, impacts_field, share=share, grace_s=grace_s))
    print_json({"removed": n_removed})
