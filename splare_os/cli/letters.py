"""What commands say of documents that failed."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from .printable import printable

MOST_OF_A_REASON = 500


def tell_dead(n_dead: int, files: Sequence[Path]) -> None:
    """Say on stderr how many documents failed, why the first did, and where all reasons are."""
    where = ", ".join(map(str, files))
    first = _first(files[0]) if files else ""
    such = f", such as {first}" if first else ""
    click.echo(f"{n_dead} failed{such}, with reasons in {where}", err=True)


def _first(file: Path) -> str:
    """Return where the first dead letter comes from, and its reason; "" if it cannot be read."""
    try:
        with file.open("rb") as letters:
            letter = json.loads(letters.readline())
        place = f"{letter['source']}:{letter['line']}" if "line" in letter else letter["_id"]
        return printable(f"{place} ({letter['reason']})", MOST_OF_A_REASON)
    except (OSError, ValueError, KeyError, TypeError):  # moved away, or somebody else's line
        return ""
