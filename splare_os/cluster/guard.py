"""Cleans up after a `with` block whose process was killed: no server, no folder stays behind.

A guard is a process that waits for the end of its standard input, a pipe that its parent holds
open: the system closes it however the parent ends.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import node


class Guard:
    """Stops the node in `folder` when this process ends without having called `dismiss`."""

    def __init__(self, folder: Path, *, is_temporary: bool) -> None:
        package_root = Path(__file__).parents[2]
        paths = [str(package_root), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(folder), str(int(is_temporary))],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the parent
        )

    def dismiss(self) -> None:
        """End the guard: the node was cleaned up."""
        self._process.kill()
        self._process.communicate()


def main(folder: Path, *, is_temporary: bool) -> None:
    """Wait for the parent's end, then stop the node in `folder`."""
    sys.stdin.buffer.read()
    if folder.exists():
        node.stop(folder)
    if is_temporary:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), is_temporary=sys.argv[2] == "1")
