"""`splare-os demo`: the main job on the shipped sample."""

import shutil
import sys
from contextlib import closing
from typing import Any

import click

from .options import cluster_connection, cluster_options, model_option, opened_encoder
from .progress import draw


@click.command()
@cluster_options
@model_option
def demo(model: str, **cluster: Any) -> None:  # noqa: ANN401  # one for each option
    """Index a real sample, and compare BM25 with latents on it."""
    from ..connection import open_client
    from .comparison import INDEX, QUERIES, compare, index_sample
    from .show import comparison_panel, console

    encoder = opened_encoder(model)  # first: no cluster is started for nothing
    connection = cluster_connection(cluster)
    url = connection.address
    with closing(open_client(connection)) as client:
        for run in index_sample(client, encoder):
            draw(run, "indexing the sample")
        screen = console()
        for query in QUERIES:
            screen.print(comparison_panel(compare(client, encoder, query)))
    called = "splare-os" if shutil.which("splare-os") else sys.argv[0]
    where = f" --url {url}" if cluster["url"] else ""
    where += f" --model {model}" if model != "mini" else ""
    click.echo(
        f"""
The index is {INDEX!r} at {url}. Try next:
  {called} search "your own question" --index {INDEX} --explain{where}
  {called} explore --index {INDEX}{where}
    (the same in a browser: search, steer, read, compare)
  {called} index your-documents.jsonl --index yours{where}
    (your documents are lines of {{"_id": "1", "title": "…", "text": "…"}})"""
    )
    if not cluster["url"]:
        click.echo(f"  {called} cluster stop")
