"""Files and folders as a caller may name them."""

from os import PathLike
from typing import TypeAlias

StrPath: TypeAlias = str | PathLike[str]
"""A file or a folder: text, or whatever stands for a path."""
