"""`splare-os doctor`: what of a cluster, its indices and a model fits, each line with a remedy."""

import sys
from contextlib import closing
from dataclasses import asdict
from typing import Any

import click

from .index_option import index_option
from .options import cluster_options, connect, model_option, opened_encoder, print_json

COLOURS = {"ok": "green", "warning": "yellow", "failure": "red"}


@click.command()
@index_option("Index, alias or pattern.", default="*", show_default=True)
@click.option("--no-model", is_flag=True, help="Load no model: look at the cluster alone.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines also on a terminal.")
@cluster_options
@model_option
def doctor(
    index: str,
    no_model: bool,
    as_json: bool,
    model: str,
    **cluster: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Say what fits, what could be better, and what does not work: ok, warning, failure.

    Nothing is changed. Exit 1 if there is a failure.
    """
    from ..search.doctor.doctor import examine

    load = None if no_model else lambda: opened_encoder(model)
    is_text, failed = sys.stdout.isatty() and not as_json, False
    with closing(connect(cluster)) as client:
        for finding in examine(client, load, index):
            failed |= finding.status == "failure"
            if not is_text:
                print_json(asdict(finding))
                continue
            status = click.style(f"{finding.status:8}", fg=COLOURS[finding.status])
            click.echo(f"{status} {finding.check}: {finding.found}")
            if finding.remedy:
                click.echo(f"{'':8}   → {finding.remedy}")
    sys.exit(1 if failed else 0)
