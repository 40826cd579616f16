"""What commands share: options that say which cluster and which model, and opening them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import SplareError

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

    from ..documents import Fields
    from ..encoder import Encoder

C = TypeVar("C", bound=Callable[..., None])

SCORINGS = ("calibrated", "dot")
"""Those of `splare_os.scoring`, whose import takes too long to list options."""


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End a command with the message of our errors and the cluster's; exit 2 for misuse, else 1."""
    try:
        yield
    except SplareError as error:
        raise click.ClickException(str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except Exception as error:
        if type(error).__module__.split(".")[0] != "opensearchpy":
            raise
        raise click.ClickException(f"OpenSearch: {error}") from error


def added(command: C, *options: Callable[[C], C]) -> C:
    """Return `command` with options, in the order in which help lists them."""
    for option in reversed(options):
        command = option(command)
    return command


def cluster_options(command: C) -> C:
    """Add the options that say which cluster."""
    return added(
        command,
        click.option(
            "--url", envvar="SPLARE_URL", help="Address of OpenSearch; the embedded one if absent."
        ),
        click.option("--user", envvar="SPLARE_USER", help="User name for basic authentication."),
        click.option("--password", envvar="SPLARE_PASSWORD", help="Password of --user."),
        click.option("--ca-certs", envvar="SPLARE_CA_CERTS", type=click.Path(exists=True)),
    )


def impacts_options(command: C) -> C:
    """Add the options that say what is encoded of documents, and how it is kept.

    Their values are those of `text_fields`, and parts of `IngestOptions` and `BackfillOptions`.
    """
    return added(
        command,
        click.option("--text-field", default="text", show_default=True),
        click.option(
            "--title-field", default="title", show_default=True, help="Empty: there is none."
        ),
        click.option(
            "--template",
            help='What is encoded instead of title and text: "{brand} {specs.name}: {text}".',
        ),
        click.option(
            "--impacts-field",
            help="Where impacts go, if there are others' already; its name ends in _splare.",
        ),
        click.option(
            "--top-k",
            type=click.IntRange(min=1),
            help="Impacts kept per document; if absent, as many as the index has, or the model "
            "gives.",
        ),
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
        help="mini, a model folder, or a hub id.",
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
        click.option("--text-field", default="text", show_default=True),
        click.option(
            "--title-field", default="title", show_default=True, help="Empty: there is none."
        ),
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


def cluster_url(cluster: dict[str, str | None]) -> str:
    """Return the address that the options name, or start the embedded OpenSearch."""
    from ..cluster import download_bar, resolve_url, status

    if cluster["url"] is None and status().pid is None:
        click.echo("starting the embedded OpenSearch …", err=True)
    return resolve_url(cluster["url"], progress=download_bar)


def connect(url: str, cluster: dict[str, str | None]) -> "OpenSearch":
    """Return a client with the credentials that the options give."""
    from opensearchpy import OpenSearch

    # the worker has a patience of its own, and several threads
    options: dict[str, Any] = {"timeout": 60, "max_retries": 0, "pool_maxsize": 8}
    if cluster["user"]:
        options["http_auth"] = (cluster["user"], cluster["password"] or "")
    if cluster["ca_certs"]:
        options["ca_certs"] = cluster["ca_certs"]
    return OpenSearch(url, **options)


def opened_encoder(model: str) -> "Encoder":
    """Return the encoder that the options name."""
    click.echo(f"loading the model {model} …", err=True)
    from ..encode.load import load_encoder

    quieten_transformers()
    chosen = click.get_current_context().meta
    return load_encoder(model, device=chosen["splare_os.device"], dtype=chosen["splare_os.dtype"])


def dense_device() -> str | None:
    """Return where a bi-encoder runs beside the model: on the first device that the options name.

    None is the best there is.
    """
    device: str | None = click.get_current_context().meta["splare_os.device"]
    return device.split(",")[0] if device else None


def print_json(content: object) -> None:
    """Print a line of JSON, as it may be piped to others."""
    click.echo(json.dumps(content, ensure_ascii=False))


def quieten_transformers() -> None:
    """Keep transformers, if it is installed, from drawing bars and listing weights left out."""
    if find_spec("transformers") is None:
        return
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]


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
