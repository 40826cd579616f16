"""The option that says which index."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

C = TypeVar("C", bound=Callable[..., None])


def index_option(help: str, **settings: Any) -> Callable[[C], C]:  # noqa: A002, ANN401  # click's
    """Return `--index`, which takes no empty name: for the cluster that is every index."""
    return click.option("--index", callback=_named, help=help, **settings)


def _named(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip(", "):
        raise click.BadParameter(f"{value!r} names no index: give a name")
    return value
