"""`splare-os connect`: OpenSearch asks a model server itself, for any client's plain text."""

import sys
from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from .index_option import index_option
from .options import CUT, SCORINGS, TEXT, added, cluster_options, print_json
from .options import connect as connected

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

    from ..connect import Route


@click.command()
@index_option("Index to connect; made if it is not there.", required=True)
@click.option(
    "--server",
    envvar="SPLARE_SERVER_URL",
    help="Address of `splare-os serve`, as the cluster reaches it ($SPLARE_SERVER_URL).",
)
@lambda command: added(command, *TEXT)
@click.option("--impacts-field", help="Where impacts go; its name ends in _splare.")
@lambda command: added(command, *CUT)
@click.option("--scoring", type=click.Choice(SCORINGS), help="Of a new index.")
@click.option("--template", "pattern", help="New indices of such names get it, too: logs-*.")
@click.option("--two-phase", is_flag=True, help="Search by the heaviest latents first.")
@click.option("--set-cluster-settings", is_flag=True, help="Set what ml-commons needs, too.")
@click.option("--dry-run", "mode", flag_value="show", help="Print the requests, for curl.")
@click.option("--check", "mode", flag_value="check", help="Only tell what is out of date.")
@click.option("--disconnect", "mode", flag_value="disconnect", help="Take it all off again.")
@cluster_options
def connect(mode: str | None, **chosen: Any) -> None:  # noqa: ANN401  # one for each option
    """Have OpenSearch ask a model server for impacts, at ingest and in searches.

    Prints a line of JSON for each part that was put right; done again, none. The token that the
    server asks for is $SPLARE_SERVER_BEARER_TOKEN. --check exits 1 if a part is not good.
    """
    if mode != "disconnect" and not chosen["server"]:
        raise click.UsageError("Missing option '--server' (or $SPLARE_SERVER_URL).")
    with closing(connected(chosen)) as client:
        if mode == "disconnect":
            _disconnect(client, chosen)
        else:
            _MODES[mode](client, *_route(client, chosen, is_new=mode is None), chosen)


def _route(
    client: "OpenSearch", chosen: dict[str, Any], *, is_new: bool
) -> "tuple[Route, str | None]":
    """Return the route that the options name, and the server's token; `is_new`: makes the index."""
    from ..connect.route import find_route
    from ..connection import find_connection
    from ..layout.cut import DocumentCut
    from .options import text_fields

    server = chosen["server"]
    token = find_connection({"url": server}, prefix="SPLARE_SERVER_").bearer_token
    asked = chosen["index"], text_fields(chosen), server
    cut, scoring = DocumentCut(chosen["top_k"], chosen["mass"]), chosen["scoring"]
    route = find_route(client, *asked, is_new=is_new, cut=cut, scoring=scoring)
    return replace(route, pattern=chosen["pattern"], two_phase=chosen["two_phase"]), token


def _put(client: "OpenSearch", route: "Route", token: str | None, chosen: dict[str, Any]) -> None:
    from ..connect import connect

    sets = chosen["set_cluster_settings"]
    for one in connect(client, route, token=token, sets_cluster=sets):
        print_json({"part": one.part, "was": one.state})


def _check(client: "OpenSearch", route: "Route", token: str | None, _: dict[str, Any]) -> None:
    from ..connect import check

    found = list(check(client, route, token=token))
    for one in found:
        print_json(asdict(one))
    if any(one.state != "good" for one in found):
        sys.exit(1)


def _show(client: "OpenSearch", route: "Route", token: str | None, _: dict[str, Any]) -> None:
    from ..connect import curl_commands
    from ..connect.settings import lacking

    for command in curl_commands(route, lacking(client, route), token=token):
        click.echo(command)


def _disconnect(client: "OpenSearch", chosen: dict[str, Any]) -> None:
    from ..connect import disconnect
    from ..connect.route import find_names
    from .options import text_fields

    for name in disconnect(client, find_names(client, chosen["index"], text_fields(chosen))):
        print_json({"removed": name})


_MODES = {None: _put, "check": _check, "show": _show}
