"""`splare-os index`: documents into an index."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import (
    SCORINGS,
    cluster_options,
    cluster_url,
    connect,
    model_option,
    opened_encoder,
    print_json,
)
from .progress import draw

if TYPE_CHECKING:
    from ..scoring import Scoring


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--index", required=True, help="Index to write to; made if it is not there.")
@click.option("--text-field", default="text", show_default=True)
@click.option("--title-field", default="title", show_default=True, help="Empty: there is none.")
@click.option("--id-field", default="_id", show_default=True)
@click.option(
    "--top-k",
    type=click.IntRange(min=1),
    help="Impacts kept per document; if absent, as many as the index has, or the model gives.",
)
@click.option(
    "--scoring",
    type=click.Choice(SCORINGS),
    help="What a new index stores impacts for.  [default: calibrated]",
)
@click.option("--dead-letters", type=click.Path(path_type=Path), help="File for what failed.")
@click.option(
    "--hash-sources",
    is_flag=True,
    help="Notice files written anew with the same size and time: all is read twice.",
)
@cluster_options
@model_option
def index(
    files: tuple[str, ...],
    index: str,
    text_field: str,
    title_field: str,
    id_field: str,
    top_k: int | None,
    scoring: "Scoring | None",
    dead_letters: Path | None,
    hash_sources: bool,
    model: str,
    **cluster: str | None,
) -> None:
    """Index documents from FILES, and print the counts.

    FILES are JSON Lines, CSV, TSV or Parquet, folders and patterns ("data/**/*.csv.gz") of
    them, URLs (https://, s3://, gs://, hf://), or - for JSON Lines from stdin.

    Run the same command again after an interruption, and it goes on where it stopped.
    """
    from ..documents import find_sources
    from ..documents.fields import Fields
    from ..index import IngestOptions, ingest
    from ..layout.cut import check_top_k

    sources = find_sources(files)  # before anything is started for them
    fields = Fields(text=text_field, title=title_field or None, id=id_field)
    options = IngestOptions(
        index,
        fields,
        top_k=top_k,
        scoring=scoring,
        dead_letters=dead_letters,
        hash_sources=hash_sources,
    )
    encoder = opened_encoder(model)  # first: no cluster is started for nothing
    check_top_k(encoder, top_k)
    with closing(connect(cluster_url(cluster), cluster)) as client:
        run = ingest(client, encoder, sources, options)
        draw(run, index)
    print_json(run.counts)
    if run.counts["dead"]:
        click.echo(f"{run.counts['dead']} failed, with reasons in {run.dead_letters}", err=True)
        sys.exit(1)
