import errno
import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from splare_os.errors import JobError
from splare_os.lock import lock

HELD = JobError("held")
HOLD = "import sys, fcntl; file = open(sys.argv[1]); fcntl.flock(file, 2); print(); input()"


def test_a_lock_is_held_until_its_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as first:
        lock(first, HELD)
        with path.open("a") as second, pytest.raises(JobError, match="held"):
            lock(second, HELD)
    with path.open("ab") as third:
        lock(third, HELD)


def test_a_lock_goes_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with path.open() as file, pytest.raises(JobError):
            lock(file, HELD)
        other.kill()
    with path.open() as file:
        lock(file, HELD)


def test_a_place_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none_left)
    with (tmp_path / "lock").open("w") as file, pytest.raises(JobError, match="that has locks"):
        lock(file, HELD)
