"""Texts of documents as a terminal may have them."""

import os
import sys
from io import TextIOWrapper
from itertools import islice
from typing import TextIO


def printable(text: str, most: int | None = None) -> str:
    r"""Return a text without characters that steer a terminal or turn what is written.

    Of a text of more than `most` characters the beginning.

    >>> printable("a\x1b[31m\u202eb", 5)
    'a[31…'
    """
    wanted = None if most is None else most + 1
    shown = "".join(islice(filter(str.isprintable, text), wanted))
    return shown if most is None or len(shown) <= most else f"{shown[: most - 1]}…"


def show_what_streams_lack() -> None:
    """Let a character that stdout or stderr cannot encode be written as an escape, not fail.

    Where one is closed, as a service may start us, what is written there is lost.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # until the process ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not has_all_characters(stream):
            stream.reconfigure(errors="backslashreplace")


def has_all_characters(stream: TextIO | None = None) -> bool:
    """Return whether a stream (stdout) takes every character: its encoding is one of Unicode's."""
    stream = stream or sys.stdout
    return (stream.encoding or "utf").lower().startswith("utf")
