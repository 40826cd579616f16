"""`splare-os explore`: an index in a browser."""

import os
from contextlib import closing
from typing import Any

import click

from .address import FILE, address_options
from .index_option import index_option
from .options import (
    cluster_connection,
    cluster_options,
    model_option,
    opened_encoder,
    part,
    print_json,
)


@click.command()
@index_option("Index, or an alias of one.", required=True)
@click.option("--text-field", help="Field whose impacts are shown; needed if there are several.")
@click.option("--impacts-field", help="Which of its impacts, if the model has made several.")
@address_options(port=8090, others="Others need a token.")
@click.option(
    "--token-file",
    type=FILE,
    help="What browsers have to give; or $SPLARE_EXPLORER_BEARER_TOKEN.",
)
@click.option(
    "--public-name",
    "names",
    multiple=True,
    help="Name by which browsers call this server, if that is not the host.",
)
@cluster_options
@model_option
def explore(
    index: str,
    token_file: str | None,
    names: tuple[str, ...],
    model: str,
    **chosen: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Show INDEX in a browser: search, steer, read, compare; until Ctrl-C. Nothing is written.

    A line of JSON is printed once browsers may come.
    """
    from ..extras import require

    require("serve", "splare-os explore")
    from ..connection import find_connection, open_client
    from ..explore import InTurns, NotingTransport, Place, explore
    from ..serve import Address

    address = Address(**part(chosen, Address))
    token = find_connection({"bearer_token_file": token_file}, prefix="SPLARE_EXPLORER_")
    encoder = InTurns(opened_encoder(model))
    connection = cluster_connection(chosen)
    options = {"transport_class": NotingTransport, "pool_maxsize": 8}

    def announce(url: str) -> None:
        print_json({"url": url, "index": index, "model": encoder.name, "pid": os.getpid()})

    with closing(open_client(connection, **options)) as client:
        where = connection.urls[0]
        fields = {name: chosen[name] for name in ("text_field", "impacts_field")}
        place = Place.find(client, encoder, index, **fields, address=where)
        explore(place, address, token=token.bearer_token, names=names, on_ready=announce)
