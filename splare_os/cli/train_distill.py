"""`splare-os train distill`: an encoder from pairs and teachers."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .options import best_device, part, training_options
from .screen import Screen


@click.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("--model", required=True, help="What is trained: mini, a model folder or a hub id.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--name", default="", help="Name of the model; that of --out if absent.")
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    required=True,
    help="bm25, dense, bi-encoder:NAME (these may be repeated: a blend), scores (of the rows), "
    "or cross-encoder:NAME.",
)
@click.option("--variant", default="splare", show_default=True, help="splare, sae-splade, splade.")
@click.option("--relu/--no-relu", default=True, help="Make thresholds part of the bias (not topk).")
@click.option("--steps", default=1000, show_default=True)
@click.option("--batch", "batch_size", default=48, show_default=True, help="Pairs at once.")
@click.option("--accumulation", default=1, show_default=True, help="Batches a step.")
@click.option("--mini-batch", default=0, help="Texts whose activations are held; all if absent.")
@click.option("--lr", default=5e-4, show_default=True, help="Largest learning rate.")
@click.option("--warm-up", default=0.05, show_default=True, help="Share of the steps.")
@click.option("--rank", default=64, show_default=True, help="Rank of the LoRA adapter.")
@click.option("--scoring", default="dot", show_default=True, help="dot, or calibrated.")
@click.option(
    "--temperature",
    type=float,
    default=None,
    help="Divides student scores.  [default: what fits best at first]",
)
@click.option("--contrast", default=0.5, show_default=True, help="Weight of InfoNCE.")
@click.option("--query-flops", default=3e-4, show_default=True, help="Weight of queries' FLOPS.")
@click.option("--document-flops", default=3e-4, show_default=True, help="That of documents'.")
@click.option("--ramp", default=0.33, show_default=True, help="Share of steps these grow in.")
@click.option(
    "--interpolation", default=1.0, show_default=True, help="Weight of what the adapter learnt."
)
@click.option(
    "--query-top-k", default=40, show_default=True, help="Impacts that score, and are kept."
)
@click.option("--document-top-k", default=200, show_default=True, help="Likewise, of documents.")
@click.option("--least-document-top-k", default=0, help="Batches draw cuts from here on.")
@click.option(
    "--max-tokens",
    type=int,
    default=None,
    help="Tokens of a text, training.  [default: 192, or the window]",
)
@click.option("--negatives", default=0, show_default=True, help="Hard negatives of each pair.")
@click.option("--max-pairs", default=0, help="Pairs drawn of each source; all if absent.")
@click.option("--held-out", default=4, show_default=True, help="Batches only measured on.")
@click.option("--checkpoint-steps", default=200, show_default=True, help="Steps between two.")
@training_options
@click.option("--work", type=click.Path(path_type=Path), help="Work folder.  [default: OUT.work]")
@click.option("--keep-work", is_flag=True, help="Leave checkpoints and teacher there at the end.")
def distill(sources: tuple[str, ...], **chosen: Any) -> None:  # noqa: ANN401  # one for each option
    """Train a model to search, on the pairs of SOURCES, by distillation from teachers.

    A source is a file of JSON Lines {"query", "positive"} with, maybe, "negatives" and "scores",
    or a folder in BEIR form (FOLDER:SPLIT; train if absent). Run the same command again after an
    interruption, and it goes on from its last checkpoint. Prints what held-out pairs say before
    and after.
    """
    from ..encode.quiet import quieten_transformers
    from ..train.distill import DistillJob, DistillOptions, distill_model

    quieten_transformers()
    chosen["device"] = chosen["device"] or best_device()
    options = DistillOptions(**part(chosen, DistillOptions))
    job = DistillJob(options=options, **part(chosen, DistillJob))
    with closing(Screen()) as screen:
        report = distill_model(sources, job, watch=screen.draw_distillation(options.steps))
    click.echo(json.dumps(asdict(report)))
