"""`splare-os train sae`: a sparse autoencoder, and a model of it."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .options import best_device, part, text_fields, texts_options, training_options
from .screen import Screen, end


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--backbone", required=True, help="Model folder or hub id of a language model.")
@click.option("--layer", type=int, required=True, help="Layer whose states are read, from 0.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--name", default="", help="Name of the model; that of --out if absent.")
@click.option("--pooling", default="max", show_default=True, help="Over tokens: max, or sum.")
@click.option("--saturation", help="Of what is pooled: log1p (max's), or sqrt (sum's).")
@click.option(
    "--activation",
    type=click.Choice(["batchtopk", "topk", "jumprelu"]),
    default="batchtopk",
    show_default=True,
)
@click.option("--width", default=8192, show_default=True, help="Number of latents.")
@click.option("--k", default=16, show_default=True, help="Active latents a token; a mean but topk.")
@click.option("--l0-coefficient", default=1.0, show_default=True, help="Pull to --k (jumprelu).")
@click.option("--tokens", "n_tokens", default=2_500_000, show_default=True, help="States seen.")
@click.option("--states", "n_states", default=2_000_000, show_default=True, help="Distinct states.")
@click.option("--held-out", default=20_000, show_default=True, help="States only measured on.")
@click.option("--window", default=256, show_default=True, help="Tokens read at once.")
@click.option("--batch", "batch_tokens", default=1024, show_default=True, help="States a step.")
@click.option("--lr", default=1e-3, show_default=True, help="Learning rate.")
@texts_options
@click.option("--relu/--no-relu", default=None, help="Make thresholds part of the bias (not topk).")
@click.option("--level/--no-level", default=None, help="Bring latents to one level (not topk).")
@click.option("--document-top-k", default=400, show_default=True, help="Impacts that are kept.")
@click.option("--query-top-k", default=40, show_default=True, help="Likewise, of queries.")
@training_options
@click.option("--save-dtype", help="float32, bfloat16 or float16; the backbone's if absent.")
@click.option("--embedding-bits", type=int, help="8 or 4 a number of the token embedding.")
@click.option("--work", type=click.Path(path_type=Path), help="Work folder.  [default: OUT.work]")
@click.option("--keep-work", is_flag=True, help="Leave states and checkpoints there at the end.")
@click.option("--checkpoint-steps", default=500, show_default=True, help="Steps between two.")
def sae(files: tuple[str, ...], **chosen: Any) -> None:  # noqa: ANN401  # one for each option
    """Train an SAE on FILES of JSON Lines, and make a model folder of it and its backbone.

    Run the same command again after an interruption, and it goes on where it stopped. Prints what
    was made and the SAE's figures on texts that it was not trained on.
    """
    from ..train.sae import SaeJob, SaeOptions, StateOptions, train_sae_model

    chosen["device"] = chosen["device"] or best_device()
    options = SaeOptions(**part(chosen, SaeOptions))
    chosen["autocast"] = options.autocasts
    job = SaeJob(
        states=StateOptions(**part(chosen, StateOptions)),
        sae=options,
        fields=text_fields(chosen),
        **part(chosen, SaeJob),
    )
    with closing(Screen()) as screen:
        report = train_sae_model(files, job, watch=screen.draw, reject=screen.reject)
    click.echo(json.dumps(asdict(report), ensure_ascii=False))
    end(report.n_bad_lines)  # also those that an earlier run told of
