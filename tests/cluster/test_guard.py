import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from splare_os.cluster.guard import Guard
from splare_os.cluster.node import RECORD, birth

PARENT = """
import sys, pathlib
from splare_os.cluster.guard import Guard
guard = Guard(pathlib.Path(sys.argv[1]), is_temporary=sys.argv[2] == "temporary")
print("ready", flush=True)
sys.stdin.read()
"""


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("kind", "is_kept"), [("temporary", False), ("permanent", True)])
def test_a_killed_parent_leaves_no_server_and_no_temporary_folder(tmp_path, kind, is_kept):
    folder = tmp_path / "node"
    folder.mkdir()
    server = subprocess.Popen(["/bin/sleep", "600"])
    started = {"pid": server.pid, "born": birth(server.pid), "port": 1, "heap_mb": 1}
    (folder / RECORD).write_text(json.dumps(started))
    command = [sys.executable, "-c", PARENT, str(folder), kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        parent.stdout.readline()
        parent.kill()
    assert server.wait(timeout=20) == -15
    wait_until(lambda: not (folder / RECORD).exists() and folder.exists() == is_kept)


def test_a_dismissed_guard_touches_nothing(tmp_path: Path):
    Guard(tmp_path, is_temporary=True).dismiss()
    assert tmp_path.exists()
