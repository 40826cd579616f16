"""`splare-os train prior`: the statistics that come with a model."""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .options import model_option, opened_encoder, print_json, text_fields
from .screen import Screen, end


@click.command()
@click.argument("files", nargs=-1, required=True)
@model_option
@click.option("--texts", "n_texts", default=5000, show_default=True, help="Texts read at most.")
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--max-chars", default=100_000_000, show_default=True, help="Characters drawn of each file."
)
@click.option("--text-field", default="text", show_default=True)
@click.option("--title-field", default="title", show_default=True, help="Empty: there is none.")
def prior(files: tuple[str, ...], model: str, **chosen: Any) -> None:  # noqa: ANN401  # options
    """Count how frequent the latents of a model folder are in texts of FILES, and keep it there.

    A collection that is still small, or has no statistics, is weighed by them. Take texts of the
    kind that will be searched, or of many kinds. The model's fingerprint stays.
    """
    from ..train.prior import add_prior
    from ..train.texts import draw_texts

    limits = {"max_chars": chosen["max_chars"], "seed": chosen["seed"]}
    with closing(Screen()) as screen:
        texts = draw_texts(files, text_fields(chosen), reject=screen.reject, **limits)
        draw = {"n_texts": chosen["n_texts"], "seed": chosen["seed"]}
        report = add_prior(Path(model), opened_encoder(model), texts, **draw)
    print_json(asdict(report))
    end(screen.n_rejected)
