"""A small file that is there whole or not at all, whatever happens meanwhile."""

import os
from pathlib import Path

NEW = ".new"
"""Ends the name of a file while it is written, and of what a killed process was writing."""


def write_durably(path: Path, content: bytes, *, writer: str = "") -> None:
    """Replace `path` by `content`, which is on the disk then; `OSError` if that fails.

    `writer` tells apart those who may write the same file at once.
    """
    new = path.with_name(f"{path.name}{writer}{NEW}")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
