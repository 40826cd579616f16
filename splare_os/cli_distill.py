"""`splare-os train distill` and `train mine`: encoders from pairs, and negatives for the pairs."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .cli_options import (
    cluster_options,
    cluster_url,
    connect,
    opened_encoder,
    quieten_transformers,
    remember,
)
from .cli_train import Screen, part

BM25 = "bm25"


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
@click.option("--temperature", default=1.0, show_default=True, help="Divides student scores.")
@click.option("--contrast", default=0.5, show_default=True, help="Weight of InfoNCE.")
@click.option("--query-flops", default=3e-4, show_default=True, help="Weight of queries' FLOPS.")
@click.option("--document-flops", default=3e-4, show_default=True, help="That of documents'.")
@click.option("--ramp", default=0.33, show_default=True, help="Share of steps these grow in.")
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
@click.option("--autocast/--no-autocast", default=None, help="Multiply in bfloat16; if fast.")
@click.option("--device", help="cpu, cuda, cuda:1 …; the best there is if absent.")
@click.option("--seed", default=0, show_default=True)
@click.option("--work", type=click.Path(path_type=Path), help="Work folder.  [default: OUT.work]")
@click.option("--keep-work", is_flag=True, help="Leave checkpoints and teacher there at the end.")
def distill(sources: tuple[str, ...], **chosen: Any) -> None:  # noqa: ANN401  # one for each option
    """Train a model to search, on the pairs of SOURCES, by distillation from teachers.

    A source is a file of JSON Lines {"query", "positive"} with, maybe, "negatives" and "scores",
    or a folder in BEIR form (FOLDER:SPLIT; train if absent). Run the same command again after an
    interruption, and it goes on from its last checkpoint. Prints what held-out pairs say before
    and after.
    """
    from sentence_transformers.util import get_device_name

    from .train.distill import DistillJob, DistillOptions, distill_model

    quieten_transformers()
    chosen["device"] = chosen["device"] or get_device_name()
    options = DistillOptions(**part(chosen, DistillOptions))
    job = DistillJob(options=options, **part(chosen, DistillJob))
    with closing(Screen()) as screen:
        report = distill_model(sources, job, watch=screen.draw_distillation(options.steps))
    click.echo(json.dumps(asdict(report)))


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of rows to write.",
)
@click.option("--by", default=BM25, show_default=True, help="bm25, mini, a model folder or hub id.")
@click.option("--split", default="train", show_default=True, help="Which judgements are read.")
@click.option("--negatives", default=8, show_default=True, help="Negatives of each pair.")
@click.option("--skip", default=0, show_default=True, help="Best hits that are passed over.")
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--device",
    envvar="SPLARE_DEVICE",
    expose_value=False,
    callback=remember,
    help="Where a model of --by runs: cpu, cuda, cuda:1 …; several by comma: a process each.",
)
@click.option(
    "--dtype",
    envvar="SPLARE_DTYPE",
    expose_value=False,
    callback=remember,
    help="float32, bfloat16 or float16; what the device is fastest in if absent.",
)
@cluster_options
def mine(
    folder: Path,
    out: Path,
    by: str,
    split: str,
    negatives: int,
    skip: int,
    seed: int,
    **cluster: str | None,
) -> None:
    """Write the judged pairs of FOLDER, in BEIR form, with hard negatives that a search finds.

    BM25 or a model searches the cluster; what is judged relevant is no negative.
    """
    from tqdm import tqdm

    from .evaluate.datasets import read_dataset
    from .train.mining import MineOptions, check_place, mine, save_rows

    options = MineOptions(negatives=negatives, skip=skip, seed=seed)
    check_place(out)  # before anything is started for it
    data = read_dataset(folder, folder.name, split=split)
    encoder = None if by == BM25 else opened_encoder(by)
    with closing(connect(cluster_url(cluster), cluster)) as client:
        rows = mine(client, data, encoder, options)
        n_rows = save_rows(tqdm(rows, desc="mining", unit=" pairs", disable=None), out)
    click.echo(json.dumps({"rows": n_rows, "out": str(out)}))
