"""`splare-os contrast`: what sets these documents apart from those, a line a latent, or a table."""

import json
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .index_option import index_option
from .options import cluster_options, connect, model_option, opened_encoder, part, print_json

if TYPE_CHECKING:
    from ..search.contrast.sides import Documents, Side


@click.command()
@click.argument("a")
@click.argument("b")
@index_option("Index, alias or pattern that has both sets.", required=True)
@click.option("--text-field", help="Field whose impacts are read; needed if there are several.")
@click.option("--size", default=20, show_default=True, help="Number of latents.")
@click.option("--sample", default=1000, show_default=True, help="Documents read of a set, at most.")
@click.option("--examples", default=2, show_default=True, help="Documents shown of a set.")
@click.option(
    "--max-rate", default=0.05, show_default=True, help="False discovery rate of what is told."
)
@click.option("--all", "show_all", is_flag=True, help="Latents that are not significant too.")
@click.option("--drop-overlap", is_flag=True, help="Leave out documents that are in both sets.")
@click.option("--seed", default=0, show_default=True, help="Of what is drawn by chance.")
@click.option("--label-index", default="splare-labels", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines also on a terminal.")
@cluster_options
@model_option
def contrast(a: str, b: str, model: str, **chosen: Any) -> None:  # noqa: ANN401  # options
    """Tell which latents documents A show and documents B do not, or the other way round.

    A set is a query string ('title:oil AND NOT war'), query DSL ('{"term": …}', also with a splare
    clause), or @FILE: an id on each line, or a line of JSON with an _id.
    """
    from ..search.contrast.contrast import ContrastOptions
    from ..search.contrast.contrast import contrast as contrasted
    from .labels import found_labels

    options = ContrastOptions(
        **part(chosen, ContrastOptions),
        only_significant=not chosen["show_all"],
        overlap="drop" if chosen["drop_overlap"] else "refuse",
    )
    sets = documents(a), documents(b)
    encoder = opened_encoder(model)
    with closing(connect(chosen)) as client:
        labels = found_labels(client, encoder, chosen["label_index"])
        found = contrasted(client, encoder, chosen["index"], sets, options, labels=labels)
    for name, side in (("A", found.a), ("B", found.b)):
        click.echo(f"{name}: {told(side)}", err=True)
    click.echo(f"{found.significant} of {found.tested} latents are significant", err=True)
    if sys.stdout.isatty() and not chosen["as_json"]:
        from .contrast_table import contrast_table
        from .show import console

        console().print(contrast_table(found))
        return
    for latent in found.latents:
        print_json(asdict(latent))


def documents(given: str) -> "Documents":
    """Return the set that an argument names: a query string, query DSL, or the ids in a file."""
    if given.startswith("@"):
        return _ids(Path(given[1:]))
    if not given.lstrip().startswith("{"):
        return given
    try:
        query: dict[str, Any] = json.loads(given)
    except json.JSONDecodeError as error:
        raise click.UsageError(f"{given[:80]!r} is no JSON: {error}") from error
    return query


def _ids(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # a text may hold other breaks
        return [_id(line.strip()) for line in lines if line.strip()]
    except (OSError, ValueError, KeyError) as error:
        raise click.UsageError(
            f"{path}: no ids can be read ({error!r}): give a file with an id on each line, or a "
            "line of JSON with an _id"
        ) from error


def _id(line: str) -> str:
    return str(json.loads(line)["_id"]) if line.startswith("{") else line


def told(side: "Side") -> str:
    """Return a set for a line on a terminal."""
    parts = [
        f"{side.documents} of {side.total} documents",
        f"{side.unknown} left out without impacts" if side.unknown else "",
        f"{side.shared} left out as they are in both sets" if side.shared else "",
        f"{side.missing} ids not there" if side.missing else "",
    ]
    return ", ".join(filter(None, parts))
