"""What a search asks of the client in `ext`, which the server never sees: it knows no `splare`.

{"ext": {"splare": {"explain": true, "two_step": true}}}
{"ext": {"splare": {"two_step": {"window": 1000, "part": 0.4}}}}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..query.steps import Steps
from .clause import NAME


@dataclass(frozen=True)
class Extension:
    """`explains`: hits come with their latents. `steps`: how two are made of one search."""

    explains: bool = False
    steps: Steps | None = None


def read_extension(ext: Any) -> tuple[Extension, Any]:  # noqa: ANN401  # JSON
    """Return what is asked of the client, and what of `ext` is for the server.

    `ValueError` for what there is not.
    """
    if not isinstance(ext, Mapping) or NAME not in ext:
        return Extension(), ext
    wanted, rest = ext[NAME], {key: value for key, value in ext.items() if key != NAME}
    if not isinstance(wanted, Mapping) or not wanted or wanted.keys() - {"explain", "two_step"}:
        raise ValueError(
            f'ext.splare is {wanted!r}: write {{"explain": true}}, {{"two_step": true}}, or both'
        )
    explains = wanted.get("explain", False)
    if not isinstance(explains, bool):
        raise ValueError(f"ext.splare.explain is {explains!r}: write true or false")
    return Extension(explains, _steps(wanted.get("two_step", False))), rest


def _steps(wanted: Any) -> Steps | None:  # noqa: ANN401  # JSON
    if isinstance(wanted, bool):
        return Steps() if wanted else None
    if not isinstance(wanted, Mapping) or wanted.keys() - {"window", "part"}:
        raise ValueError(
            f'ext.splare.two_step is {wanted!r}: write true, or {{"window": 500, "part": 0.25}}'
        )
    window, part = wanted.get("window", Steps.window), wanted.get("part", Steps.part)
    are_numbers = type(window) is int and type(part) in {int, float}
    if not are_numbers:
        raise ValueError(f"ext.splare.two_step is {wanted!r}: both are numbers, window a whole one")
    return Steps(window, part)
