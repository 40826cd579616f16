"""`splare-os cluster start|stop|status`: the embedded OpenSearch."""

from dataclasses import asdict

import click

from .options import print_json


@click.group()
def cluster() -> None:
    """The embedded OpenSearch."""


@cluster.command()
@click.option("--port", type=int, help="Port to listen on; a free one from 9200 if absent.")
@click.option("--heap-mb", type=int, help="Java heap; a quarter of the free memory if absent.")
def start(port: int | None, heap_mb: int | None) -> None:
    """Start it (fetching it the first time), and print where it is."""
    from ..cluster import download_bar, start

    print_json(asdict(start(port=port, heap_mb=heap_mb, progress=download_bar)))


@cluster.command()
def stop() -> None:
    """Stop it; its data stay."""
    from ..cluster import stop

    print_json(asdict(stop()))


@cluster.command()
def status() -> None:
    """Print where it is; `pid` is null when it does not run."""
    from ..cluster import status

    print_json(asdict(status()))
