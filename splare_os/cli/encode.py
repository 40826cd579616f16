"""`splare-os encode`: impacts of texts, a line each."""

import sys
from dataclasses import asdict
from typing import BinaryIO

import click

from .options import model_option, opened_encoder, print_json


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--query", is_flag=True, help="Encode as queries (fewer latents).")
@click.option("--text-field", default="text", show_default=True)
@click.option("--title-field", default="title", show_default=True)
@click.option("--id-field", default="_id", show_default=True)
@click.option("--benchmark", is_flag=True, help="Print how fast FILE is encoded, not the impacts.")
@model_option
def encode(
    file: BinaryIO,
    query: bool,
    text_field: str,
    title_field: str,
    id_field: str,
    benchmark: bool,
    model: str,
) -> None:
    """Print the impacts of each line of FILE (- is stdin): a JSON object, or a text as it is."""
    from ..documents.fields import Fields
    from ..encode.lines import encode_lines, texts_of

    fields = Fields(text=text_field, title=title_field or None, id=id_field)
    encoder = opened_encoder(model)
    if benchmark:
        from ..encode.throughput import measure_throughput

        found = measure_throughput(encoder, list(texts_of(file, fields)), query=query)
        print_json(asdict(found))
        return
    failed = 0
    for line in encode_lines(encoder, file, query=query, fields=fields):
        if line.reason:
            failed += 1
            click.echo(f"{line.id}: {line.reason}", err=True)
        else:
            print_json({"_id": line.id, "impacts": line.impacts})
    sys.exit(1 if failed else 0)
