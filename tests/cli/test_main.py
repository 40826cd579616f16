import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from splare_os import scoring
from splare_os.cli import options
from splare_os.cli.main import main
from splare_os.index.ledger import Identity, Ledger
from tests.cli.running import run

HELP_BUDGET_S = 0.3


def test_an_unknown_model_is_an_error_of_one_line() -> None:
    result = run("encode", "--model", "maxi", "-", stdin="oil")
    assert result.exit_code == 1
    assert "Error: there is no model 'maxi'" in result.stderr


def test_misuse_exits_2() -> None:
    assert run("search", "oil").exit_code == 2
    assert run("index", "--index", "x").exit_code == 2
    result = run("index", "docs.xlsx", "--index", "x")  # nothing is started for it
    assert result.exit_code == 2
    assert "docs.xlsx: documents are read from .jsonl" in result.stderr


def test_a_full_disk_is_an_error_of_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "splare_os", "jobs"]
    (tmp_path / "splare-os" / "jobs").mkdir(parents=True)
    with Ledger.open(tmp_path / "splare-os" / "jobs" / "a.sqlite") as ledger:
        ledger.start(Identity("u", (), "/d.jsonl"), 0)
    around = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    with open("/dev/full", "w") as full:
        told = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=around)
    assert told.returncode == 1
    assert told.stderr == "Error: [Errno 28] No space left on device\n"


@pytest.fixture
def hearing_ctrl_c() -> Iterator[None]:
    """Have what is started hear Ctrl-C, though the tests may run where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hearing_ctrl_c")
def test_ctrl_c_is_no_failure_of_the_command() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "splare_os", "statistics", "--index", "x", "--url", url]
        asked = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        with asked as asking, silent.accept()[0]:
            asking.send_signal(signal.SIGINT)
            _, told = asking.communicate(timeout=20)
    assert (asking.returncode, told.split()) == (128 + signal.SIGINT, ["interrupted"])


def test_help_answers_at_once() -> None:
    def fastest(code: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
            times.append(time.perf_counter() - start)
        return min(times)

    help_s = fastest("from splare_os.cli import main; main(['--help'], standalone_mode=False)")
    assert help_s - fastest("") < HELP_BUDGET_S


def test_every_command_has_help() -> None:
    for name, command in main.commands.items():
        assert command.help, name
        assert run(name, "--help").exit_code == 0


def test_no_cluster_is_started_for_a_model_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"_id": "a", "text": "oil"}\n')
    for args in (["demo"], ["index", str(path), "--index", "x"], ["search", "oil", "--index", "x"]):
        result = run(*args, "--model", "maxi")
        assert result.exit_code == 1
        assert "there is no model 'maxi'" in result.stderr
        assert "starting" not in result.stderr


def test_the_scorings_that_are_listed_are_those_that_there_are() -> None:
    assert set(options.SCORINGS) == set(scoring.SCORINGS)
