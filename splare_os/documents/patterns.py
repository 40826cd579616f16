"""The names that a pattern such as "data/**/*.jsonl" matches: nothing is passed over unsaid."""

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path

DEEP = "**"


def matches(pattern: str) -> list[str]:
    """Return all names that a pattern matches, sorted; `OSError` if a folder cannot be listed.

    As a shell has it: wildcards match no name that begins with a dot, and `**` any depth. Links
    are followed, but for one that leads to a folder that it lies in.
    """
    path = Path(pattern)
    parts = list(path.relative_to(path.anchor).parts)
    if parts[-1:] == [DEEP]:
        parts.append("*")
    return sorted(set(_below(path.anchor, parts)))


def _below(at: str, parts: Sequence[str]) -> Iterator[str]:
    """Yield what matches in the folder `at` ("": the working one)."""
    if not parts:
        yield at
        return
    head, *rest = parts
    if head == DEEP:
        for folder in _folders(at, frozenset()):
            yield from _below(folder, rest)
        return
    for name in _names(at, head) if has_magic(head) else [head]:
        path = os.path.join(at, name)
        if os.path.isdir(path) if rest else os.path.lexists(path):
            yield from _below(path, rest)


def _names(at: str, pattern: str) -> list[str]:
    found = os.listdir(at or os.curdir)
    return [name for name in found if fnmatchcase(name, pattern) and _is_open(name, pattern)]


def _is_open(name: str, pattern: str) -> bool:
    return not name.startswith(".") or pattern.startswith(".")


def _folders(at: str, above: frozenset[str]) -> Iterator[str]:
    """Yield a folder and all below it; `above` are those that it lies in."""
    real = os.path.realpath(at)
    if real in above:
        return
    yield at
    for name in _names(at, "*"):
        if os.path.isdir(path := os.path.join(at, name)):
            yield from _folders(path, above | {real})
