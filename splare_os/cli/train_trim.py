"""`splare-os train trim`: a backbone with fewer token embeddings."""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .options import part, print_json, text_fields, texts_options
from .screen import Screen, end


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--backbone",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Model folder with a Unigram tokenizer.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--rows", "n_rows", default=65_000, show_default=True, help="Pieces that are kept.")
@click.option("--seed", default=0, show_default=True)
@texts_options
def trim(files: tuple[str, ...], **chosen: Any) -> None:  # noqa: ANN401  # one for each option
    """Write --backbone anew with the token embeddings of pieces that the texts of FILES need.

    Of a multilingual model most weights are such rows. Words whose piece is left out are read as
    smaller ones. Prints how many pieces of the texts are kept.
    """
    from ..train.trim import TrimJob, trim_backbone

    job = TrimJob(fields=text_fields(chosen), **part(chosen, TrimJob))
    with closing(Screen()) as screen:
        report = trim_backbone(files, job, reject=screen.reject)
    print_json(asdict(report))
    end(screen.n_rejected)
