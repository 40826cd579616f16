"""One node: its process, the record of it, and the waiting until it answers or has ended."""

import json
import logging
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from ..errors import ClusterError
from . import config
from .config import NodeOptions
from .distribution import VERSION, Distribution
from .home import Account
from .ports import is_free, is_lost, port_taken
from .resources import ELSEWHERE

log = logging.getLogger(__name__)

START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 60.0
LOG_LINES = 20

RECORD = "node.json"
SERVER_LOG = "server.log"

HEALTH = "/_cluster/health?wait_for_events=languid&wait_for_no_initializing_shards=true&timeout=5s"


@dataclass(frozen=True)
class NodeStatus:
    """A node as it is now: `url`, `version` and `pid` are None when it doesn't run."""

    url: str | None
    version: str | None
    pid: int | None
    home: str


@dataclass(frozen=True)
class Process:
    """A server's process; `born` tells it from a later one with the same `pid`.

    `port` is 0 until the server listens.
    """

    pid: int
    born: int
    port: int
    heap_mb: int
    version: str = VERSION

    @property
    def url(self) -> str | None:
        """The address that clients connect to, None until the server listens."""
        return f"http://127.0.0.1:{self.port}" if self.port else None

    def is_alive(self) -> bool:
        """Return whether the process still runs; reaps it if it was our child and has ended."""
        with suppress(ChildProcessError):  # another command's child
            os.waitpid(self.pid, os.WNOHANG)
        return birth(self.pid) == self.born


def birth(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot, or None if it doesn't run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def running(folder: Path) -> Process | None:
    """Return the process of the node in `folder`, or None; a stale record counts as none."""
    try:
        process = Process(**json.loads((folder / RECORD).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        log.warning("ignored file=%s reason=unreadable", folder / RECORD)
        return None
    return process if process.is_alive() else None


def status(folder: Path) -> NodeStatus:
    """Return the status of the node in `folder`."""
    process = running(folder)
    if process is None:
        return NodeStatus(url=None, version=None, pid=None, home=str(folder))
    return NodeStatus(process.url, process.version, process.pid, str(folder))


def start(
    folder: Path, distribution: Distribution, options: NodeOptions, account: Account | None
) -> NodeStatus:
    """Run a node in `folder`, which must be ours and must not run yet; return once it answers.

    It lives in a session of its own, so it outlives this process and its terminal.
    `PortTakenError` as soon as another process listens on its port.
    """
    config.write(folder, options, account)
    (folder / config.PORTS_FILE).unlink(missing_ok=True)
    pid = _launch(folder, config.java_command(folder, distribution, options), account)
    started = Process(pid, birth(pid) or 0, 0, options.heap_mb or 0)
    _record(folder, started)
    try:
        return wait(folder, started, asked_port=options.port or 0)
    except BaseException:
        stop(folder)
        raise


def _launch(folder: Path, command: list[str], account: Account | None) -> int:
    """Start `command` detached, as the server's user, with its output in SERVER_LOG."""
    environ = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(folder / "tmp")}
    with (folder / SERVER_LOG).open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environ,  # nothing of ours: JAVA_TOOL_OPTIONS and the like change the server
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                umask=0o077,
            )
        except OSError as error:
            raise ClusterError(f"could not run {command[0]}: {error}.") from error
    process.returncode = 0  # detached: else Popen warns when it is collected
    return process.pid


def _record(folder: Path, process: Process) -> None:
    """Write down which process is the node's, whole or not at all."""
    draft = folder / f"{RECORD}.new"
    draft.write_text(json.dumps(asdict(process)))
    draft.replace(folder / RECORD)


def wait(
    folder: Path, process: Process, *, asked_port: int = 0, timeout_s: float = START_TIMEOUT_S
) -> NodeStatus:
    """Return the node's status once it answers and its indices are usable (those that can be)."""
    deadline = time.monotonic() + timeout_s
    while process.is_alive():
        port = _listening(folder)
        if port and _is_healthy(port):
            _record(folder, replace(process, port=port))
            return status(folder)
        if asked_port and not port and is_lost(asked_port, process.pid):
            raise port_taken(asked_port)
        if time.monotonic() > deadline:
            raise _failed(folder, f"did not answer within {timeout_s:.0f} s")
        time.sleep(0.1)
    if asked_port and not is_free(asked_port):
        raise port_taken(asked_port)
    raise _failed(folder, "ended while it was starting")


def _listening(folder: Path) -> int:
    """Return the port that the server says it listens on, 0 as long as it does not."""
    try:
        address = (folder / config.PORTS_FILE).read_text().split()
    except FileNotFoundError:
        return 0
    return int(address[0].rpartition(":")[2]) if address else 0


def _is_healthy(port: int) -> bool:
    """Ask whether all shards that can start have, past any proxy that the environment names.

    Not whether all have: a single red index must not make the node unusable.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", HEALTH)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _failed(folder: Path, what: str) -> ClusterError:
    return ClusterError(
        f"OpenSearch {what}. Put right what its log names, {ELSEWHERE}. "
        f"The end of {folder / SERVER_LOG}:\n{last_lines(folder)}"
    )


def last_lines(folder: Path, count: int = LOG_LINES) -> str:
    """Return the last lines of the server's log, without the frames of stack traces."""
    with (folder / SERVER_LOG).open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 64 * 1024))
        lines = file.read().decode(errors="replace").splitlines()
    telling = [line for line in lines if not line.startswith(("\t", "    at "))]
    return "\n".join(telling[-count:])


def stop(folder: Path, *, timeout_s: float = STOP_TIMEOUT_S) -> NodeStatus:
    """End the node in `folder` if it runs: politely, and after `timeout_s` by force."""
    process = running(folder)
    for sign, patience_s in ((signal.SIGTERM, timeout_s), (signal.SIGKILL, 10.0)):
        if process and process.is_alive():
            os.kill(process.pid, sign)
            _await_end(process, patience_s)
    if process and process.is_alive():
        raise ClusterError(f"OpenSearch (process {process.pid}) does not end: kill it by hand.")
    (folder / RECORD).unlink(missing_ok=True)
    return status(folder)


def _await_end(process: Process, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
