"""The command `splare-os`: main (the group), a file for each command, options, what is shown."""

from .main import main

__all__ = ["main"]
