"""`splare-os dashboards install|export|check`: saved objects for OpenSearch Dashboards."""

import sys
from contextlib import closing, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .index_option import index_option
from .options import C, added, cluster_options, connect, print_json

if TYPE_CHECKING:
    from ..connection import Connection
    from ..dashboards import Board, SavedObject

DEFAULT_URL = "http://localhost:5601"


@click.group()
def dashboards() -> None:
    """Dashboards of ingestion and search, and of the collection and concepts of an index."""


def index_options(command: C) -> C:
    """Add the options that say which index dashboards are about; `chosen_boards` reads them."""
    return added(
        command,
        index_option("Index, alias or pattern; without it, ingestion and search."),
        click.option("--text-field", help="Field whose impacts are shown; if there are several."),
        click.option("--impacts-field", help="Which of its impacts, if there are several."),
        click.option("--time-field", help="Its date, for charts over time."),
        click.option("--category-field", help="A keyword, for charts by category."),
    )


def chosen_boards(
    chosen: dict[str, Any], cluster: dict[str, Any], *, to_remove: bool = False
) -> "list[Board]":
    """Return the dashboards that the options ask for.

    `to_remove`: whatever charts there may be, also of an index that is gone.
    """
    from ..dashboards import boards
    from ..dashboards.find import find_index, find_installed

    index = chosen.pop("index")
    if index is None:
        if given := [name for name, value in chosen.items() if value is not None]:
            raise click.UsageError(f"--{given[0].replace('_', '-')} says nothing without --index")
        return boards(None)
    with closing(connect(cluster)) as client:
        if to_remove:
            fields = {name: chosen[name] for name in ("text_field", "impacts_field")}
            return boards(find_installed(client, index, **fields))
        return boards(find_index(client, index, **chosen))


INDEX = ("index", "text_field", "impacts_field", "time_field", "category_field")


def split(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of the index, and all others, which are those of the cluster."""
    chosen = {name: options[name] for name in INDEX}
    return chosen, {name: value for name, value in options.items() if name not in INDEX}


@dashboards.command()
@index_options
@cluster_options
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="A file for each.")
def export(out: Path | None, **options: Any) -> None:  # noqa: ANN401  # one for each option
    """Write what Dashboards imports: on stdout, or a file for each dashboard into --out."""
    from ..dashboards import file_name, ndjson, objects_of

    found = chosen_boards(*split(options))
    if out is None:
        click.echo(ndjson(objects_of(found)), nl=False)
        return
    out.mkdir(parents=True, exist_ok=True)
    for board in found:
        path = out / file_name(board)
        path.write_text(ndjson(board.objects()), encoding="utf-8")
        print_json({"dashboard": board.id, "file": str(path)})


SERVER = ("url", "user", "password_file", "bearer_token_file", "ca_certs", "insecure")


def server_options(command: C) -> C:
    """Add the options that say which Dashboards; `server_connection` reads them."""
    file = click.Path(exists=True, dir_okay=False)
    return added(
        command,
        click.option(
            "--dashboards-url",
            help=f"Address of OpenSearch Dashboards, with its base path.  [default: {DEFAULT_URL}]",
        ),
        click.option("--dashboards-user", help="Its user; password by the file, or the variable."),
        click.option("--dashboards-password-file", type=file),
        click.option("--dashboards-bearer-token-file", type=file),
        click.option("--dashboards-ca-certs", type=file, help="Authorities of its certificate."),
        click.option("--dashboards-insecure", is_flag=True, help="Do not check its certificate."),
        click.option("--tenant", help="Tenant of its security plugin, such as global."),
    )


def server_connection(options: dict[str, Any]) -> "Connection":
    """Return how Dashboards are reached: by options, or by $SPLARE_DASHBOARDS_URL and the like.

    The cluster's own credentials are not sent there. Takes the options out of `options`.
    """
    from ..connection import find_connection

    told = {name: options.pop(f"dashboards_{name}") for name in SERVER}
    found = find_connection(told, prefix="SPLARE_DASHBOARDS_")
    return found if found.urls else replace(found, urls=(DEFAULT_URL,))


@dashboards.command()
@index_options
@server_options
@cluster_options
@click.option("--remove", is_flag=True, help="Remove the objects instead.")
def install(tenant: str | None, remove: bool, **options: Any) -> None:  # noqa: ANN401
    """Import the dashboards, and print a line for each object: created, overwritten or failed.

    Options of Dashboards can be given as $SPLARE_DASHBOARDS_URL, …_USER, …_PASSWORD too. Exits 1 if
    an object failed; what was new is removed again then.
    """
    from ..dashboards import objects_of
    from ..dashboards.server import DashboardsServer

    server = DashboardsServer(server_connection(options), tenant=tenant)
    found = chosen_boards(*split(options), to_remove=remove)
    outcomes = server.remove(objects_of(found)) if remove else server.install(objects_of(found))
    for one in outcomes:
        print_json({name: value for name, value in asdict(one).items() if value})
    if any(one.outcome == "failed" for one in outcomes):
        sys.exit(1)


@dashboards.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--run", "is_run", is_flag=True, help="Run the requests on the cluster, too.")
@index_options
@cluster_options
def check(
    files: tuple[Path, ...],
    is_run: bool,
    **options: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Look for what Dashboards would refuse, or draw wrongly, in FILES or in what install brings.

    Prints a line for each finding, and exits 1 if one is a fault; that a chart has nothing to draw
    is none.
    """
    from ..dashboards import objects_of
    from ..dashboards.check import check

    chosen, cluster = split(options)
    if files and chosen["index"]:
        raise click.UsageError("FILES and --index are given: choose one")
    objects: list[SavedObject] = []
    for file in files:  # an index pattern is in each file that needs it, and imported once
        objects += [one for one in read_file(file) if one not in objects]
    if not files:
        objects = objects_of(chosen_boards(chosen, cluster))
    with closing(connect(cluster)) if is_run else nullcontext() as client:
        found = check(objects, client)
    for one in found:
        print_json(asdict(one))
    click.echo(f"{len(objects)} objects, {len(found)} findings", err=True)
    if any(one.is_fault for one in found):
        sys.exit(1)


def read_file(file: Path) -> "list[SavedObject]":
    """Return the objects of a file; a line that is none ends the command."""
    from ..dashboards import read_objects

    objects, wrong = read_objects(file.read_bytes())
    for told in wrong:
        click.echo(f"{file}: {told}", err=True)
    if wrong:
        sys.exit(1)
    return objects
