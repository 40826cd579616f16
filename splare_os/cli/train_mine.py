"""`splare-os train mine`: hard negatives for pairs."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from ..extras import require
from .options import cluster_options, connect, opened_encoder, place_options

BM25 = "bm25"


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
@place_options
@cluster_options
def mine(
    folder: Path,
    out: Path,
    by: str,
    split: str,
    negatives: int,
    skip: int,
    seed: int,
    **cluster: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Write the judged pairs of FOLDER, in BEIR form, with hard negatives that a search finds.

    BM25 or a model searches the cluster; what is judged relevant is no negative.
    """
    require("train", "mining")  # before evaluation asks for less
    from tqdm import tqdm

    from ..evaluate.datasets import read_dataset
    from ..train.mining import MineOptions, check_place, mine, save_rows

    options = MineOptions(negatives=negatives, skip=skip, seed=seed)
    check_place(out)  # before anything is started for it
    data = read_dataset(folder, folder.name, split=split)
    encoder = None if by == BM25 else opened_encoder(by)
    with closing(connect(cluster)) as client:
        rows = mine(client, data, encoder, options)
        n_rows = save_rows(tqdm(rows, desc="mining", unit=" pairs", disable=None), out)
    click.echo(json.dumps({"rows": n_rows, "out": str(out)}))
