import gc
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import trustme
import urllib3
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from splare_os.encoder import Encoder
from splare_os.errors import EncoderError, ServerError
from splare_os.serve import Address, Limits, serve
from tests.hashing import HashEncoder

from .serving import ROOT, Server, running


@pytest.mark.usefixtures("hangups_heard")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_end_waits_for_those_who_are_there(tmp_path: Path, number: signal.Signals) -> None:
    found: list[tuple[int, object]] = []
    with running(tmp_path) as server:
        asking = [
            threading.Thread(
                target=lambda: found.append(server.post("/documents", {"texts": ["slowly a"] * 2}))
            )
            for _ in range(2)
        ]
        for thread in asking:
            thread.start()
        time.sleep(0.5)
        server.process.send_signal(number)
        require_refused(server.url + "/health", within_s=10)
        for thread in asking:
            thread.join()
        assert server.process.wait(60) == 0
        assert [status for status, _ in found] == [200, 200]
        assert server.said.read_text() == ""


def require_refused(url: str, *, within_s: float) -> None:
    """Wait until no new connection is taken."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            urllib3.request("GET", url, retries=False, timeout=5)
        except urllib3.exceptions.HTTPError:
            return
        time.sleep(0.1)
    pytest.fail(f"{url} still answers")


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_signals_that_ask_for_a_fresh_look_end_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path) as server:
        server.process.send_signal(number)
        assert server.post("/documents", {"texts": ["slowly a"]})[0] == 200
        assert server.end() == 0


def test_a_closed_terminal_does_not_end_what_was_started_by_nohup(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a child inherits it
    try:
        with running(tmp_path) as server:
            server.process.send_signal(signal.SIGHUP)
            time.sleep(0.5)
            assert server.get("/health")[0] == 200
            assert server.end() == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_end_leaves_the_process_as_it_was() -> None:
    before = gc.get_threshold(), gc.get_freeze_count(), sys.getswitchinterval()
    handlers = [signal.getsignal(number) for number in signal.Signals]
    with pytest.raises(ServerError):
        serve(lambda: 1 // 0, Address(port=0), Limits())  # type: ignore[arg-type, return-value]
    assert (gc.get_threshold(), gc.get_freeze_count(), sys.getswitchinterval()) == before
    assert [signal.getsignal(number) for number in signal.Signals] == handlers


def test_the_end_does_not_wait_for_ever(tmp_path: Path) -> None:
    with running(tmp_path, drain_s=1) as server:
        place = server.url.removeprefix("http://").split(":")
        with socket.create_connection((place[0], int(place[1]))) as holder:
            holder.sendall(b"POST /documents HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n")
            time.sleep(0.3)
            start = time.monotonic()
            assert server.end() == 0
            assert time.monotonic() - start < 15


def test_who_is_there_at_the_end_is_told_to_come_again(tmp_path: Path) -> None:
    found: list[tuple[int, object]] = []
    with running(tmp_path, drain_s=1) as server:
        texts = {"texts": ["slowly slowly a"] * 6}  # three seconds
        asking = threading.Thread(target=lambda: found.append(server.post("/documents", texts)))
        asking.start()
        server.wait_for("splare_queue_seconds_count", 1)
        assert server.end() == 0
        asking.join()
        assert found == [(503, {"error": "the server ends", "error_type": "Unhealthy"})]
        assert "Traceback" not in server.said.read_text()


def test_nothing_is_encoded_before_the_model_is_warm(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running(tmp_path, load_s=3.0, address={"port": port}) as server:
        end = time.monotonic() + 30
        while (status := _status(server, "/health")) != 200:
            assert time.monotonic() < end, status
            time.sleep(0.05)
        reply = server.pool.request("GET", server.url + "/ready")
        assert (reply.status, json.loads(reply.data)) == (503, {"status": "loading"})
        assert server.post("/documents", {"texts": ["a"]})[0] == 503
        while _status(server, "/ready") != 200:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert server.post("/documents", {"texts": ["a"]})[0] == 200


def test_the_end_does_not_wait_for_a_model_that_is_being_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running(tmp_path, load_s=120.0, address={"port": port}) as server:
        end = time.monotonic() + 30
        while _status(server, "/health") != 200:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert server.end() == 0  # within a minute
        assert server.said.read_text() == ""


def _status(server: Server, path: str) -> int:
    try:
        return server.get(path)[0]
    except urllib3.exceptions.HTTPError:
        return 0


def test_a_model_that_cannot_be_loaded_ends_the_server() -> None:
    def load() -> Encoder:
        raise EncoderError("there is no model 'maxi'")

    with pytest.raises(EncoderError, match="there is no model 'maxi'"):
        serve(load, Address(port=0), Limits())
    with pytest.raises(ServerError, match="cannot be served: ZeroDivisionError: "):
        serve(lambda: 1 // 0, Address(port=0), Limits())  # type: ignore[arg-type, return-value]


def test_an_address_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=rf"127\.0\.0\.1:{port} cannot be listened on"):
            serve(HashEncoder, Address(port=port), Limits())


def test_a_server_with_a_certificate_speaks_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = tmp_path / "server.pem"
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with running(tmp_path, address={"certificate": str(certificate)}) as server:
        assert server.url.startswith("https://127.0.0.1:")
        server.pool = urllib3.PoolManager(ca_certs=str(tmp_path / "ca.pem"), retries=False)
        assert server.post("/documents", {"texts": ["a"]})[0] == 200
        with pytest.raises(urllib3.exceptions.SSLError):
            urllib3.PoolManager(retries=False).request("GET", server.url + "/health")
        begun = time.monotonic()
        assert server.end() == 0  # though a client that is idle says no goodbye
        assert time.monotonic() - begun < Limits().drain_s / 2


def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("127.0.0.1")
    chain, key, none = (tmp_path / name for name in ("chain.pem", "key.pem", "none.pem"))
    issued.cert_chain_pems[0].write_to_path(str(chain))
    none.write_text("no PEM\n")
    private = load_pem_private_key(issued.private_key_pem.bytes(), None)
    kept = BestAvailableEncryption(b"secret")
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, kept))
    for certificate, its_key in ((none, None), (chain, None), (chain, none), (chain, key)):
        address = Address(port=0, certificate=str(certificate), key=its_key and str(its_key))
        with pytest.raises(ServerError, match=rf"{certificate} cannot be used .*give a PEM file"):
            serve(HashEncoder, address, Limits())


def test_an_address_that_cannot_be_is_refused() -> None:
    for port in (-1, 65_536):
        with pytest.raises(ValueError, match=rf"port={port}: give one from 0"):
            Address(port=port)
    with pytest.raises(ValueError, match=r"key='key.pem': give its certificate too"):
        Address(key="key.pem")


def test_an_encoder_of_several_processes_answers_side_by_side(tmp_path: Path) -> None:
    with running(tmp_path, encoder={"at_a_time": 2}, max_batch_tokens=1) as server:
        start = time.monotonic()
        assert server.post("/documents", {"texts": ["slowly"] * 6})[0] == 200
        assert time.monotonic() - start < 2.8  # one alone would take 3


def test_the_room_says_which_extra_it_needs() -> None:
    code = "import sys; sys.modules['uvicorn'] = None; import splare_os.serve"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert 'pip install "splare-os[serve]"' in done.stderr
