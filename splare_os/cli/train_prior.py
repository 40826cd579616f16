"""`splare-os train prior`: the statistics that come with a model."""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .options import opened_encoder, place_options, print_json, text_fields, texts_options
from .screen import Screen, end


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--model",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Model folder to write to.",
)
@place_options
@click.option("--texts", "n_texts", default=400, show_default=True, help="Texts of each file.")
@click.option("--seed", default=0, show_default=True)
@texts_options
def prior(files: tuple[str, ...], model: Path, **chosen: Any) -> None:  # noqa: ANN401  # options
    """Count how frequent the latents of a model folder are in texts of FILES, and keep it there.

    A collection that is still small, or has no statistics, is weighed by them. Take texts of the
    kind that will be searched, or of many kinds, a file each. The model's fingerprint stays.
    """
    from ..train.prior import add_prior, check_folder, drawn_evenly

    check_folder(model)  # before anything is read for it
    draw = {name: chosen[name] for name in ("n_texts", "max_chars", "seed")}
    with closing(Screen()) as screen:
        texts = drawn_evenly(files, text_fields(chosen), reject=screen.reject, **draw)
        report = add_prior(model, opened_encoder(str(model)), texts)
    print_json(asdict(report))
    end(screen.n_rejected)
