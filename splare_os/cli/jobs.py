"""`splare-os jobs`: what is indexed and backfilled, how far it is; and settings set back."""

import sys
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import click

from .options import cluster_options, connect, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from ..index.jobs import JobStatus


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines also on a terminal.")
@click.pass_context
def jobs(ctx: click.Context, as_json: bool) -> None:
    """List the jobs of this user: a line each, a table on a terminal."""
    if ctx.invoked_subcommand is not None:
        return
    from ..index.jobs import list_jobs

    found = list_jobs()
    if sys.stdout.isatty() and not as_json:
        from .show import console

        console().print(jobs_table(found))
        return
    for one in found:
        print_json(asdict(one))


@jobs.command()
@cluster_options
def restore(**cluster: Any) -> None:  # noqa: ANN401  # one for each option
    """Set back what bulk loads of killed workers have left, and print a line for each index."""
    from ..index.bulk_load import restore_all
    from ..index.job import default_state_folder

    with closing(connect(cluster)) as client:
        for index, fate in restore_all(client, default_state_folder()):
            print_json({"index": index, "settings": fate})


def jobs_table(found: "list[JobStatus]") -> "Table":
    """Return jobs as a table."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    numbers = ("docs", "dead", "docs/s", "done", "left", "idle")
    for name in ("state", "index", *numbers, "job"):
        is_name = name in {"index", "job"}  # in a narrow terminal these go over several lines
        justify: Literal["left", "right"] = "right" if name in numbers else "left"
        table.add_column(name, justify=justify, no_wrap=not is_name, overflow="fold")
    for one in found:
        table.add_row(
            one.state,
            one.index,
            f"{one.documents:,}",
            f"{one.outcomes.get('dead', 0):,}",
            "" if one.per_s is None else f"{one.per_s:,.0f}",
            "" if one.done is None else f"{one.done:.0%}",
            "" if one.eta_s is None else duration(one.eta_s, most=1),
            duration(one.idle_s, most=1),
            one.job,
        )
    return table


def duration(seconds: float, *, most: int = 2) -> str:
    """Return seconds for people, in at most so many units.

    >>> duration(7), duration(75), duration(7500), duration(200000, most=1)
    ('7 s', '1 min 15 s', '2 h 5 min', '2 d')
    """
    units = [(86400, "d"), (3600, "h"), (60, "min"), (1, "s")]
    rest, said = int(seconds), []
    for size, name in units:
        n, rest = divmod(rest, size)
        if n:
            said.append(f"{n} {name}")
    return " ".join(said[:most]) or "0 s"
