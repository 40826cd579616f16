"""`splare-os train adapt`: a language model adapted to texts."""

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
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--steps", default=2000, show_default=True, help="Steps at most.")
@click.option("--batch", "batch_tokens", default=4096, show_default=True, help="Tokens a step.")
@click.option("--window", default=256, show_default=True, help="Tokens read at once.")
@click.option("--lr", default=5e-4, show_default=True, help="Largest learning rate.")
@click.option("--masked", "masked_share", default=0.15, show_default=True, help="Share of tokens.")
@click.option("--mask-token", default="", help="The tokenizer's own, else _, if absent.")
@click.option("--lora", "lora_rank", type=int, help="0: all weights.  [default: 16 for decoders]")
@click.option("--evaluate-every", default=100, show_default=True, help="Steps between two.")
@click.option("--patience", default=3, show_default=True, help="Evaluations without gain.")
@click.option("--min-delta", default=0.01, show_default=True, help="Fall that is a gain, in nats.")
@texts_options
@training_options
def adapt(files: tuple[str, ...], **chosen: Any) -> None:  # noqa: ANN401  # one for each option
    """Train a language model to fill masks in the texts of FILES, until that levels off.

    Run the same command again after an interruption, and it goes on from its last evaluation.
    Prints the loss on texts that were held out, before, after and in between.
    """
    from ..encode.quiet import quieten_transformers
    from ..train.adapt import AdaptOptions, adapt, require_new
    from ..train.texts import draw_texts

    quieten_transformers()
    require_new(chosen["out"])
    chosen["device"] = chosen["device"] or best_device()
    options = AdaptOptions(**part(chosen, AdaptOptions))
    limits = {"max_chars": chosen["max_chars"], "seed": options.seed}
    with closing(Screen()) as screen:
        texts = draw_texts(files, text_fields(chosen), reject=screen.reject, **limits)
        watch = screen.draw_steps(options.steps)
        figures = adapt(texts, chosen["backbone"], chosen["out"], options, watch=watch)
    click.echo(json.dumps({"model": str(chosen["out"])} | asdict(figures)))
    end(screen.n_rejected)
