"""Options that say where a server of ours listens."""

from collections.abc import Callable

import click

from .options import C, added

FILE = click.Path(exists=True, dir_okay=False)


def address_options(*, port: int, others: str) -> Callable[[C], C]:
    """Return what adds the options that are fields of `Address`; `others`: help of --host."""

    def with_options(command: C) -> C:
        return added(
            command,
            click.option("--host", default="127.0.0.1", show_default=True, help=others),
            click.option("--port", default=port, show_default=True, help="0: a free one."),
            click.option(
                "--certificate", type=FILE, help="For https: PEM file, its chain included."
            ),
            click.option("--key", type=FILE, help="The certificate's key, if in another file."),
        )

    return with_options
