"""`splare-os latent`: the card of one latent."""

import sys
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from .index_option import index_option
from .options import cluster_options, connect, print_json
from .printable import printable

if TYPE_CHECKING:
    from rich.panel import Panel

    from ..search.latent_card import LatentCard


@click.command()
@click.argument("latent", type=int)
@index_option("Index, alias or pattern.", required=True)
@click.option("--text-field", help="Field whose impacts are meant; needed if there are several.")
@click.option("--impacts-field", help="Which of its impacts; needed if there are several.")
@click.option("--size", default=5, show_default=True, help="Number of documents.")
@click.option("--json", "as_json", is_flag=True, help="JSON also on a terminal.")
@cluster_options
def latent(
    latent: int,
    index: str,
    text_field: str | None,
    impacts_field: str | None,
    size: int,
    as_json: bool,
    **cluster: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Tell how frequent LATENT is in INDEX, where it is heaviest, and what it is seen with."""
    from ..search.latent_card import latent_card

    with closing(connect(cluster)) as client:
        fields = {"text_field": text_field, "impacts_field": impacts_field}
        card = latent_card(client, index, latent, **fields, size=size)
    if sys.stdout.isatty() and not as_json:
        from .show import console

        console().print(card_panel(card))
        return
    print_json(asdict(card))


def card_panel(card: "LatentCard") -> "Panel":
    """Return a card for a terminal."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    lines = [f"{card.frequency} of {card.index}, by {card.model}"]
    lines += [f"words: {', '.join(card.words)}"] if card.words else []
    lines += [f"came from: {', '.join(card.trigger_words)}"] if card.trigger_words else []
    lines += ["", "heaviest in:"]
    lines += [f"{one.impact:6.2f}  {one.id}  {one.beginning}" for one in card.top]
    lines += ["", "seen with:"]
    lines += [
        f"{one.latent:>6}  {one.share:4.0%} (in all {one.share_elsewhere:.1%})  {one.label or ''}"
        for one in card.neighbours
    ]
    title, *safe = (Text(printable(one)) for one in (card.title, *lines))
    return Panel(Group(*safe), title=title, title_align="left")
