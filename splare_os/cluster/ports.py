"""Ports to listen on: which are free, and whether another process takes one meanwhile."""

import os
import socket
from pathlib import Path

from ..errors import ClusterError, PortTakenError
from .resources import ELSEWHERE

PORTS = range(9200, 9300)
PORT_RANGE = (1024, 65535)

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
LISTENS = "0A"
V4_IN_V6 = "0000000000000000FFFF0000"
ADDRESSES = {"0100007F", "0" * 8, "0" * 32, f"{V4_IN_V6}0100007F", f"{V4_IN_V6}{'0' * 8}"}
"""Where a socket listens that takes what is sent to 127.0.0.1, as the kernel's tables write it."""


def choose_port(asked: int | None = None) -> int:
    """Return `asked` if it is free, or without it the first free one of PORTS (loopback)."""
    if asked is None:
        for port in PORTS:
            if is_free(port):
                return port
        raise ClusterError(f"no port from {PORTS[0]} to {PORTS[-1]} is free: pass another port.")
    low, high = PORT_RANGE
    if not low <= asked <= high:
        raise ValueError(f"port={asked}: choose one from {low} to {high}")
    if not is_free(asked):
        raise port_taken(asked)
    return asked


def port_taken(port: int) -> PortTakenError:
    """Return the error of a port that another process listens on."""
    return PortTakenError(
        f"port {port} is taken by another process: stop that one, choose another port, leave "
        f"the port out to get a free one, {ELSEWHERE} (http://127.0.0.1:{port}, perhaps)."
    )


def is_free(port: int) -> bool:
    """Return whether a server can listen on the loopback `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_lost(port: int, pid: int) -> bool:
    """Return whether another process than `pid` listens on the loopback `port`.

    A server binds its port seconds after it was found to be free.
    """
    try:
        there = _listeners(port)
        return bool(there) and there.isdisjoint(_sockets(pid))
    except OSError:  # it has ended just now, or we may not look
        return False


def _listeners(port: int) -> set[str]:
    """Return the inodes of the sockets that listen on the loopback `port`."""
    rows = [line.split() for table in TABLES for line in Path(table).read_text().splitlines()[1:]]
    places = {f"{address}:{port:04X}" for address in ADDRESSES}
    return {row[9] for row in rows if row[1] in places and row[3] == LISTENS}


def _sockets(pid: int) -> set[str]:
    """Return the inodes of a process's sockets."""
    links = [_target(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
    return {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}


def _target(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)
    except FileNotFoundError:  # closed meanwhile
        return ""
