import json
import os
import signal
import sys
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

from splare_os.encode import RemoteEncoder, SplareEncoder
from tests.cli.running import run
from tests.models import build_tiny
from tests.serve.serving import Server, running

TEXTS = ["the oil crisis", "", "price of oil, 1973", "oil " * 100]


def test_the_command_serves_a_model_until_it_is_told_to_end(tmp_path: Path) -> None:
    build_tiny(tmp_path / "bert").save(tmp_path / "model")
    tiny = SplareEncoder.load(tmp_path / "model", device="cpu", dtype="float32")
    options = ("--port", "0", "--device", "cpu,cpu", "--dtype", "float32")
    command = ("-m", "splare_os", "serve", "--model", str(tmp_path / "model"), *options)
    with running(tmp_path, command=command) as server:
        remote = RemoteEncoder(server.url)
        assert (remote.name, remote.fingerprint) == (tiny.name, tiny.fingerprint)
        assert remote.document_top_k == tiny.document_top_k
        for ours, plain in (
            (remote.encode_documents(TEXTS), tiny.encode_documents(TEXTS)),
            (remote.encode_queries(TEXTS), tiny.encode_queries(TEXTS)),
            (remote.encode_whole_queries(TEXTS), tiny.encode_whole_queries(TEXTS)),
        ):
            np.testing.assert_allclose(ours.toarray(), plain.toarray(), atol=1e-5)
        assert remote.spans(TEXTS) == tiny.spans(TEXTS)
        assert remote.spans(TEXTS, query=True) == tiny.spans(TEXTS, query=True)
        assert json.loads(server.get("/info")[1])["max_batch_tokens"] == 2048
        assert server.end() == 0
        assert server.said.read_text() == ""


def processes(server: Server) -> list[int]:
    """Return the processes that encode for a server."""
    told = [path.read_text() for path in Path("/proc").glob("[0-9]*/stat")]
    parents = {int(one.split()[0]): int(one.rpartition(")")[2].split()[1]) for one in told}
    return [one for one in parents if parents.get(parents[one]) == server.process.pid]


def all_killed(processes: list[int]) -> None:
    for each in processes:
        os.kill(each, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_process_that_is_killed_is_made_anew_and_ctrl_c_is_the_servers(tmp_path: Path) -> None:
    build_tiny(tmp_path / "bert").save(tmp_path / "model")
    options = ("--port", "0", "--device", "cpu,cpu", "--dtype", "float32")
    command = ("-m", "splare_os", "serve", "--model", str(tmp_path / "model"), *options)
    with running(tmp_path, command=command, start_new_session=True) as server:
        first = processes(server)
        assert len(first) == 2
        for each in first:
            os.kill(each, signal.SIGSTOP)
        Timer(0.5, all_killed, (first,)).start()
        assert server.post("/documents", {"texts": TEXTS[:1]})[0] == 503
        assert server.post("/documents", {"texts": TEXTS})[0] == 200
        second = processes(server)
        assert len(second) == 2
        assert not set(second) & set(first)
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(30) == 0
        assert server.said.read_text().count("\n") == 1
        assert "failed kind=document error=EncoderLostError" in server.said.read_text()


def test_a_token_in_a_file_is_asked_for(tmp_path: Path) -> None:
    build_tiny(tmp_path / "bert").save(tmp_path / "model")
    (tmp_path / "token").write_text("s3cret\n")
    options = ("--port", "0", "--bearer-token-file", str(tmp_path / "token"))
    command = ("-m", "splare_os", "serve", "--model", str(tmp_path / "model"), *options)
    with running(tmp_path, command=command) as server:
        assert server.get("/info")[0] == 401
        assert server.get("/info", authorization="Bearer s3cret")[0] == 200


def test_a_model_that_is_not_there_ends_the_command() -> None:
    result = run("serve", "--port", "0", "--model", "maxi")
    assert result.exit_code == 1
    assert "Error: there is no model 'maxi'" in result.stderr


def test_a_server_for_everybody_says_so() -> None:
    result = run("serve", "--host", "0.0.0.0", "--port", "0", "--model", "maxi")  # noqa: S104
    assert "no token is asked for: anybody may use this server" in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--timeout-s", "0"),
        ("--timeout-s", "inf"),
        ("--max-wait-s", "nan"),
        ("--max-texts", "0"),
        ("--port", "70000"),
        ("--port", "-1"),
        ("--key", "no"),
        ("--key", __file__),
    ],
)
def test_misuse_exits_2(options: tuple[str, str]) -> None:
    assert run("serve", *options).exit_code == 2
