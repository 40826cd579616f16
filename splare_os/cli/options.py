"""What commands share: options that say which cluster and which model, and opening them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .printable import has_all_characters

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

    from ..connection import Connection
    from ..documents import Fields
    from ..encoder import Encoder

C = TypeVar("C", bound=Callable[..., None])

SCORINGS = ("calibrated", "dot")
"""Those of `splare_os.scoring`, whose import takes too long to list options."""


def added(command: C, *options: Callable[[C], C]) -> C:
    """Return `command` with options, in the order in which help lists them."""
    for option in reversed(options):
        command = option(command)
    return command


def cluster_options(command: C) -> C:
    """Add the options that say which cluster; `connect` reads them."""
    file = click.Path(exists=True, dir_okay=False)
    return added(
        command,
        click.option(
            "--url",
            multiple=True,
            help="Address of OpenSearch, or of several nodes ($SPLARE_URL); the embedded one if "
            "absent.",
        ),
        click.option("--user", help="User name for basic authentication ($SPLARE_USER)."),
        click.option("--password-file", type=file, help="With its password; or $SPLARE_PASSWORD."),
        click.option("--api-key-file", type=file, help="With an API key; or $SPLARE_API_KEY."),
        click.option(
            "--bearer-token-file", type=file, help="With a token; or $SPLARE_BEARER_TOKEN."
        ),
        click.option("--ca-certs", type=file, help="Authorities of its certificate, PEM."),
        click.option("--client-cert", type=file, help="Certificate of the client, PEM."),
        click.option("--client-key", type=file, help="Key of the client's certificate, PEM."),
        click.option("--aws-region", help="Sign requests for this region of AWS."),
        click.option("--aws-service", type=click.Choice(["es", "aoss"]), help="  [default: es]"),
        click.option("--proxy", help="Address of a proxy before the cluster ($SPLARE_PROXY)."),
        click.option("--insecure", is_flag=True, help="Do not check the cluster's certificate."),
        click.option(
            "--connection", type=file, help="TOML file with any of these ($SPLARE_CONNECTION)."
        ),
    )


CLUSTER = (
    *("url", "user", "password_file", "api_key_file", "bearer_token_file", "ca_certs"),
    *("client_cert", "client_key", "aws_region", "aws_service", "proxy", "insecure", "connection"),
)
"""The options that `cluster_options` adds."""


TEXT = (
    click.option("--text-field", default="text", show_default=True),
    click.option("--title-field", default="title", show_default=True, help="Empty: there is none."),
)
TEMPLATE = click.option(
    "--template", help='What is encoded instead of title and text: "{brand} {specs.name}: {text}".'
)


CUT = (
    click.option(
        "--top-k",
        type=click.IntRange(min=1),
        help="Impacts kept per document; if absent, as many as the index has, or the model gives.",
    ),
    click.option(
        "--mass",
        type=click.FloatRange(min=0, max=1, min_open=True),
        help="Of those, as many as have this share of their sum, such as 0.9 (docs/postings.md).",
    ),
)
"""Which impacts of a document are kept."""


def impacts_options(command: C) -> C:
    """Add the options that say what is encoded of documents, and how it is kept.

    Their values are those of `text_fields`, and parts of `IngestOptions` and `BackfillOptions`.
    """
    return added(
        command,
        *TEXT,
        TEMPLATE,
        click.option(
            "--impacts-field",
            help="Where impacts go, if there are others' already; its name ends in _splare.",
        ),
        *CUT,
        click.option(
            "--scoring",
            type=click.Choice(SCORINGS),
            help="What impacts are stored for, if there are none yet.  [default: calibrated]",
        ),
        click.option(
            "--dead-letters", type=click.Path(path_type=Path), help="File for what failed."
        ),
    )


def remember(ctx: click.Context, option: click.Parameter, value: str | None) -> None:
    """Keep the value of an option for `opened_encoder`."""
    ctx.meta[f"splare_os.{option.name}"] = value


def place_options(command: C) -> C:
    """Add the options that say where a model runs; `opened_encoder` reads them."""
    return added(
        command,
        click.option(
            "--device",
            envvar="SPLARE_DEVICE",
            expose_value=False,
            callback=remember,
            help="Where a model runs: cpu, cuda, cuda:1 …; several by comma: a process each.",
        ),
        click.option(
            "--dtype",
            envvar="SPLARE_DTYPE",
            expose_value=False,
            callback=remember,
            help="float32, bfloat16 or float16; what the device is fastest in if absent.",
        ),
    )


def model_option(command: C, *, multiple: bool = False) -> C:
    """Add the options that say which model (of `multiple`, which ones), and where it runs."""
    model = click.option(
        "--model",
        envvar="SPLARE_MODEL",
        multiple=multiple,
        default=("mini",) if multiple else "mini",
        show_default=True,
        help="mini, multi, a model folder, or a hub id.",
    )
    return added(command, model, place_options)


def texts_options(command: C) -> C:
    """Add the options that say which texts of files a training reads."""
    return added(
        command,
        click.option(
            "--max-chars",
            default=100_000_000,
            show_default=True,
            help="Characters drawn of each file.",
        ),
        *TEXT,
    )


def training_options(command: C) -> C:
    """Add the options that every training has; their defaults are those of `TrainingOptions`."""
    return added(
        command,
        click.option(
            "--autocast/--no-autocast", default=None, help="Multiply in bfloat16; if fast."
        ),
        click.option("--device", help="cpu, cuda, cuda:1 …; the best there is if absent."),
        click.option("--seed", default=0, show_default=True),
    )


models_option = partial(model_option, multiple=True)


def names(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    """Return the names between commas."""
    return tuple(filter(None, value.split(",")))


def cluster_connection(chosen: Mapping[str, Any]) -> "Connection":
    """Return the connection that the options tell; without an address, of the embedded one."""
    from ..cluster import download_bar, resolve_url, status
    from ..connection import find_connection

    found = find_connection({name: chosen.get(name) for name in CLUSTER})
    if found.is_insecure:
        click.echo("certificates are not checked: anybody may answer", err=True)
    if found.urls:
        return found
    if status().pid is None:
        click.echo("starting the embedded OpenSearch …", err=True)
    return replace(found, urls=(resolve_url(None, progress=download_bar),))


def connect(chosen: Mapping[str, Any]) -> "OpenSearch":
    """Return a client of the cluster that the options tell."""
    from ..connection import open_client

    # the worker has several threads, and a patience of its own
    return open_client(cluster_connection(chosen), pool_maxsize=8)


def opened_encoder(model: str) -> "Encoder":
    """Return the encoder that the options name."""
    click.echo(f"loading the model {model} …", err=True)
    from ..encode.load import load_encoder
    from ..encode.quiet import quieten_transformers

    quieten_transformers()
    return closed_at_end(load_encoder(model, **chosen_place()))


def opened_for_batches(model: str) -> "Encoder":
    """Return the encoder that the options name, for who has many texts."""
    click.echo(f"loading the model {model} …", err=True)
    from ..encode.load import load_for_batches
    from ..encode.quiet import quieten_transformers

    found = load_for_batches(model, **chosen_place(), before=quieten_transformers)
    return closed_at_end(found)


def closed_at_end(encoder: "Encoder") -> "Encoder":
    """Return an encoder that the command lets go at its end, if it holds processes."""
    from ..encoder import Closable

    if isinstance(encoder, Closable):
        click.get_current_context().call_on_close(encoder.close)
    return encoder


def chosen_place() -> dict[str, str | None]:
    """Return the device and the dtype that the options name."""
    chosen = click.get_current_context().meta
    return {name: chosen[f"splare_os.{name}"] for name in ("device", "dtype")}


def dense_device() -> str | None:
    """Return where a bi-encoder runs beside the model: on the first device that the options name.

    None is the best there is.
    """
    device: str | None = click.get_current_context().meta["splare_os.device"]
    return device.split(",")[0] if device else None


def print_json(content: object) -> None:
    """Print a line of JSON, as it may be piped to others: in ASCII where stdout has no Unicode.

    What is no Unicode is an escape.
    """
    line = json.dumps(content, ensure_ascii=not has_all_characters())
    click.echo(line.encode(errors="backslashreplace").decode())


def best_device() -> str:
    """Return torch's name of the best device there is."""
    from sentence_transformers.util import get_device_name

    name: str = get_device_name()
    return name


def part(chosen: dict[str, Any], options: type[Any]) -> dict[str, Any]:
    """Return those of the chosen values that `options`, a dataclass, has a field for."""
    names = {field.name for field in fields(options)}
    return {name: value for name, value in chosen.items() if name in names}


def text_fields(chosen: dict[str, Any]) -> "Fields":
    """Return what --text-field, --title-field, --template, --id-field and --impacts-field name."""
    from ..documents import Fields

    return Fields(
        text=chosen["text_field"],
        title=chosen["title_field"] or None,
        id=chosen.get("id_field", Fields.id),
        template=chosen.get("template"),
        impacts=chosen.get("impacts_field"),
    )
