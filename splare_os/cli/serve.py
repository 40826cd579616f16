"""`splare-os serve`: an encoder behind HTTP."""

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from .address import FILE, address_options
from .options import C, added, chosen_place, model_option, part, print_json

if TYPE_CHECKING:
    from ..encoder import Encoder
    from ..serve import Service

NUMBER = click.IntRange(min=1)
SECONDS = click.FloatRange(min=0, min_open=True)


def limit_options(command: C) -> C:
    """Add the options that are fields of `Limits`; absent ones keep its defaults."""
    return added(
        command,
        click.option(
            "--max-batch-tokens", type=NUMBER, help="Encoded at a time; what the model likes."
        ),
        click.option("--max-wait-s", type=float, help="A batch waits for more.  [default: 0]"),
        click.option("--max-waiting-tokens", type=NUMBER, help="Then 429 is answered; 64 passes."),
        click.option("--max-texts", type=NUMBER, help="Of a request.  [default: 1024]"),
        click.option("--max-characters", type=NUMBER, help="Of a text.  [default: 1000000]"),
        click.option("--max-body-bytes", type=NUMBER, help="Of a request.  [default: 8 MiB]"),
        click.option("--max-bytes", type=NUMBER, help="Of all bodies.  [default: 256 MiB]"),
        click.option("--max-requests", type=NUMBER, help="At a time.  [default: 1024]"),
        click.option("--timeout-s", type=SECONDS, help="Of a request.  [default: 60]"),
        click.option(
            "--drain-s", type=NUMBER, help="Given to what is there at the end.  [default: 25]"
        ),
    )


@click.command()
@model_option
@click.option(
    "--url",
    multiple=True,
    help="OpenSearch whose connectors will ask (`splare-os connect`); or $SPLARE_URL. Credentials: "
    "$SPLARE_USER and the like.",
)
@address_options(port=8080, others="0.0.0.0: everybody.")
@click.option(
    "--bearer-token-file",
    type=FILE,
    help="What callers have to give; or $SPLARE_SERVER_BEARER_TOKEN.",
)
@limit_options
def serve(
    model: str,
    url: tuple[str, ...],
    host: str,
    port: int,
    certificate: str | None,
    key: str | None,
    bearer_token_file: str | None,
    **chosen: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Answer requests for impacts by HTTP, until SIGTERM or Ctrl-C.

    A line of JSON is printed once the model is loaded and warm. Several devices (--device
    cuda:0,cuda:1) work on batches side by side, a process each; so does a processor, by as many
    processes as torch has threads, unless they are counted (--device cpu,cpu).
    """
    from ..extras import require

    require("serve", "splare-os serve")
    from ..connection import find_connection, open_client
    from ..serve import Address, Fields, Limits, serve

    options = {"bearer_token_file": bearer_token_file}
    token = find_connection(options, prefix="SPLARE_SERVER_").bearer_token
    if token is None and host not in {"127.0.0.1", "::1", "localhost"}:
        click.echo("no token is asked for: anybody may use this server", err=True)
    given = {name: value for name, value in part(chosen, Limits).items() if value is not None}
    place, cluster = chosen_place(), find_connection({"url": url})
    serve(
        partial(_encoder, model, place),
        Address(host, port, certificate, key),
        Limits(**given),
        token=token,
        fields=Fields(open_client(cluster)) if cluster.urls else None,
        on_ready=_announce,
    )


def _encoder(model: str, place: dict[str, str | None]) -> "Encoder":
    """Return the model, on a processor in as many processes as serve best."""
    from ..encode.load import load_for_batches
    from ..encode.quiet import quieten_transformers

    return load_for_batches(model, **place, before=quieten_transformers)


def _announce(url: str, service: "Service") -> None:
    encoder = service.encoder
    told = {"url": url, "model": encoder.name, "fingerprint": encoder.fingerprint}
    print_json(told | {"pid": os.getpid()})
