import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from splare_os.cluster import node
from splare_os.cluster.node import RECORD, SERVER_LOG, NodeStatus, Process, birth, last_lines
from splare_os.errors import ClusterError, PortTakenError


@pytest.fixture
def stubborn():
    """A process that does not end when asked to."""
    ignore = "import signal, time; signal.signal(15, signal.SIG_IGN)"
    program = f"{ignore}; print(flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def record(folder: Path, **changes: object) -> None:
    process = {"pid": os.getpid(), "born": birth(os.getpid()), "port": 9200, "heap_mb": 512}
    (folder / RECORD).write_text(json.dumps({**process, **changes}))


def nothing_runs(folder: Path) -> NodeStatus:
    return NodeStatus(url=None, version=None, pid=None, home=str(folder))


def test_the_status_of_a_running_node_is_what_its_record_says(tmp_path):
    record(tmp_path)
    found = node.status(tmp_path)
    assert found == NodeStatus("http://127.0.0.1:9200", "3.6.0", os.getpid(), str(tmp_path))


def test_a_node_that_does_not_listen_yet_has_no_url(tmp_path):
    record(tmp_path, port=0)
    assert node.status(tmp_path).url is None


@pytest.mark.parametrize("text", ["", "4711", '{"pid": 1}', "[]"])
def test_an_unreadable_record_counts_as_none(tmp_path, text):
    (tmp_path / RECORD).write_text(text)
    assert node.stop(tmp_path) == nothing_runs(tmp_path)


def test_a_foreign_process_with_the_recorded_pid_is_left_alone(tmp_path, stubborn):
    record(tmp_path, pid=stubborn.pid, born=(birth(stubborn.pid) or 0) - 1)
    assert node.status(tmp_path) == nothing_runs(tmp_path)
    assert node.stop(tmp_path) == nothing_runs(tmp_path)
    assert stubborn.poll() is None
    assert not (tmp_path / RECORD).exists()


def test_a_process_that_ignores_the_request_to_end_is_killed(tmp_path, stubborn):
    record(tmp_path, pid=stubborn.pid, born=birth(stubborn.pid))
    assert node.stop(tmp_path, timeout_s=0.2) == nothing_runs(tmp_path)
    assert birth(stubborn.pid) is None


def test_stopping_twice_is_fine(tmp_path):
    assert node.stop(tmp_path) == node.stop(tmp_path) == nothing_runs(tmp_path)


def test_a_server_that_never_answers_is_given_up_with_its_last_lines(tmp_path):
    (tmp_path / SERVER_LOG).write_text("thinking\n")
    process = Process(os.getpid(), birth(os.getpid()) or 0, 0, 512)
    with pytest.raises(
        ClusterError, match="did not answer within 0 s.*SPLARE_URL.*server.log:\nthinking"
    ):
        node.wait(tmp_path, process, timeout_s=0.2)


def test_a_port_that_another_takes_meanwhile_is_told_at_once(tmp_path, stubborn):
    process = Process(stubborn.pid, birth(stubborn.pid) or 0, 0, 512)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} is taken .* choose another port"):
            node.wait(tmp_path, process, asked_port=port)
    assert birth(stubborn.pid) is not None  # it did not have to end for that


def test_the_end_of_a_log_comes_without_stack_frames(tmp_path):
    lines = ["old", *(f"line {i}" for i in range(3)), "\tat org.example.Class", "Caused by: x"]
    (tmp_path / SERVER_LOG).write_text("\n".join(lines))
    assert last_lines(tmp_path, 3) == "line 1\nline 2\nCaused by: x"


def test_a_process_that_has_ended_has_no_birth():
    process = subprocess.Popen(["/bin/true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert birth(process.pid) is None  # a zombie
    process.wait()
    assert birth(process.pid) is None
