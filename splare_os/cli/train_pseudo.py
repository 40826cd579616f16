"""`splare-os train pseudo`: pairs from texts alone."""

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from .options import part, print_json, text_fields
from .screen import Screen, end


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of pairs to write.",
)
@click.option("--pairs", default=4000, show_default=True, help="Pairs of each file, at most.")
@click.option("--least-crop", default=4, show_default=True, help="Words of a crop, at least.")
@click.option("--most-crop", default=16, show_default=True, help="Words of a crop, at most.")
@click.option("--keep-crop", default=0.5, show_default=True, help="Share of crops left in place.")
@click.option("--text-field", default="text", show_default=True, help="Field of the text.")
@click.option("--title-field", default="title", show_default=True, help="Field of the title.")
@click.option("--seed", default=0, show_default=True)
def pseudo(files: tuple[str, ...], out: Path, **chosen: Any) -> None:  # noqa: ANN401
    """Write pairs to distill on, made from the texts of FILES: a title, first sentence or crop.

    Prints how many. Lines that are no documents are told of and left out.
    """
    from ..train.pseudo_queries import PseudoOptions, pseudo_pairs, save_pairs

    options, fields = PseudoOptions(**part(chosen, PseudoOptions)), text_fields(chosen)
    if out.exists() or not out.parent.is_dir():
        raise click.UsageError(f"--out {out} is there already, or its folder is not: name another")
    with closing(Screen()) as screen:
        pairs = pseudo_pairs(files, fields, options, reject=screen.reject)
    save_pairs(pairs, out)
    print_json({"pairs": len(pairs), "out": str(out)})
    end(screen.n_rejected)
