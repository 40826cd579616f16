import os
import socket
import subprocess
import sys

import pytest

from splare_os.cluster import ports
from splare_os.cluster.ports import choose_port, is_lost
from splare_os.errors import ClusterError


def test_a_taken_port_is_refused_and_the_next_free_one_chosen(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ClusterError, match=f"port {port} is taken .* choose another port"):
            choose_port(port)
        monkeypatch.setattr(ports, "PORTS", range(port, port + 1))
        with pytest.raises(ClusterError, match=f"no port from {port} to {port} is free"):
            choose_port()
        monkeypatch.setattr(ports, "PORTS", range(port, port + 50))
        assert port < choose_port() < port + 50


def test_a_port_that_a_user_may_not_open_is_refused():
    with pytest.raises(ValueError, match="port=80: choose one from 1024 to 65535"):
        choose_port(80)


@pytest.mark.parametrize(
    ("family", "address"),
    [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")],
)
def test_a_port_is_lost_once_another_process_listens_on_it(family, address):
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with other, socket.socket(family) as server:
        server.bind((address, 0))
        port = server.getsockname()[1]
        assert not is_lost(port, other.pid)  # nobody listens yet
        server.listen()
        assert is_lost(port, other.pid)
        assert not is_lost(port, os.getpid())


def test_a_port_of_another_address_is_not_lost():
    with socket.socket() as server:
        server.bind(("127.0.0.2", 0))
        server.listen()
        assert not is_lost(server.getsockname()[1], 1)


def test_nothing_is_lost_to_a_process_that_has_ended():
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_lost(server.getsockname()[1], ended.pid)
