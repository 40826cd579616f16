"""The command line: results on stdout, all else on stderr; exit 0 done, 1 some failed, 2 misuse."""

import errno
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from .. import __version__
from ..errors import SplareError
from .backfill import backfill
from .cluster import cluster
from .connect import connect
from .contrast import contrast
from .dashboards import dashboards
from .demo import demo
from .doctor import doctor
from .encode import encode
from .evaluate import evaluate
from .explore import explore
from .import_sae import import_sae
from .index import index
from .jobs import jobs
from .label import label
from .latent import latent
from .printable import show_what_streams_lack
from .remove_impacts import remove_impacts
from .search import search
from .serve import serve
from .statistics import statistics
from .train import train


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End a command with the message of our errors, the cluster's and those of files.

    Exit 2 for misuse, else 1.
    """
    try:
        yield
    except SplareError as error:
        raise click.ClickException(str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # whoever reads what is printed has seen enough: click ends it quietly
        _lose_what_stdout_refuses()
        raise click.ClickException(str(error)) from error
    except Exception as error:
        if type(error).__module__.split(".")[0] != "opensearchpy":
            raise
        from ..connection import hint

        told = hint(error)
        raise click.ClickException(f"OpenSearch: {error}{told and f'. {told}'}") from error


def _lose_what_stdout_refuses() -> None:
    """Let Python end without a second try to write what stdout, on a full disk, has not taken."""
    try:
        sys.stdout.flush()
    except OSError:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


class Commands(click.Group):
    """Commands whose errors are one line that says what to do."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  # click's signature
        """Run a command; our errors, and the cluster's, end it with their message.

        Ctrl-C ends it with the status that shells give to that: 1 would be a failure.
        """
        try:
            with errors_in_one_line():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            sys.exit(128 + signal.SIGINT)


@click.group(cls=Commands)
@click.version_option(__version__)
@click.option("-v", "--verbose", is_flag=True, help="Say on stderr what happens.")
def main(verbose: bool) -> None:
    """Learned sparse retrieval with SAE latents, inside OpenSearch."""
    show_what_streams_lack()
    level = logging.INFO if verbose else logging.ERROR
    logging.basicConfig(level=level, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("splare_os").setLevel(logging.INFO if verbose else logging.WARNING)


COMMANDS = (
    *(demo, cluster, encode, import_sae, index, jobs, backfill, remove_impacts),
    *(statistics, search, label, latent, contrast, explore, doctor, serve, connect, evaluate),
    *(train, dashboards),
)

for command in COMMANDS:
    main.add_command(command)
