import fcntl
import hashlib
import os
import pty
import ssl
import struct
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import truststore

from splare_os.cluster import download_bar
from splare_os.cluster.artifacts import ALL, Artifact, download, system_certificates
from splare_os.errors import ClusterError

CONTENT = b"zip" * 10_000
THING = Artifact("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest())
FILE = "org/example/thing/1.0/thing-1.0.zip"


@pytest.fixture
def repository() -> Iterator[tuple[dict[str, str], list[bytes]]]:
    """A Maven repository on loopback, and the list of what it replies next (empty: 404)."""
    replies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != f"/{FILE}" or not replies:
                self.send_error(404)
                return
            content = replies.pop(0)
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield {"local": f"http://127.0.0.1:{server.server_port}"}, replies
        server.shutdown()
        thread.join()


def test_a_download_is_verified_kept_and_not_fetched_again(tmp_path, repository):
    repositories, replies = repository
    replies.append(CONTENT)
    path = download(THING, tmp_path, repositories=repositories)
    assert path.read_bytes() == CONTENT
    assert download(THING, tmp_path, repositories=repositories) == path


def test_a_corrupted_download_is_fetched_once_more(tmp_path, repository):
    repositories, replies = repository
    replies += [CONTENT[:-1] + b"!", CONTENT]
    assert download(THING, tmp_path, repositories=repositories).read_bytes() == CONTENT


def test_a_download_that_breaks_off_is_fetched_once_more(tmp_path, repository):
    repositories, replies = repository
    replies += [CONTENT[:5000], CONTENT]
    assert download(THING, tmp_path, repositories=repositories).read_bytes() == CONTENT


def test_a_file_that_stays_corrupted_is_refused_with_both_digests(tmp_path, repository):
    repositories, replies = repository
    bad = b"x" * len(CONTENT)
    replies += [bad, bad, CONTENT]
    with pytest.raises(ClusterError) as caught:
        download(THING, tmp_path, repositories=repositories)
    assert THING.sha256 in str(caught.value)
    assert hashlib.sha256(bad).hexdigest() in str(caught.value)
    assert not list(tmp_path.rglob("*.zip"))


def test_what_a_killed_process_left_is_not_taken_for_whole(tmp_path, repository):
    repositories, replies = repository
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_bytes(CONTENT[:100])
    replies.append(CONTENT)
    assert download(THING, tmp_path, repositories=repositories).read_bytes() == CONTENT


def test_a_missing_file_names_the_file_and_the_remedy(tmp_path, repository):
    with pytest.raises(ClusterError, match=r"could not download thing-1\.0\.zip.*SPLARE_URL"):
        download(THING, tmp_path, repositories=repository[0])


def test_no_network_names_the_file_and_the_remedy(tmp_path):
    with pytest.raises(ClusterError, match=r"thing-1\.0\.zip .*refused.*HTTPS_PROXY.*SPLARE_URL"):
        download(THING, tmp_path, repositories={"local": "http://127.0.0.1:9"})


def test_progress_is_told_in_bytes(tmp_path, repository):
    repositories, replies = repository
    replies.append(CONTENT)
    told: list[tuple[str, int] | int] = []

    @contextmanager
    def progress(name: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
        told.append((name, total_bytes))
        yield told.append

    download(THING, tmp_path, progress=progress, repositories=repositories)
    assert told[0] == ("thing-1.0.zip", len(CONTENT))
    assert sum(told[1:]) == len(CONTENT)


def test_the_bar_draws_on_a_terminal_only(monkeypatch, capsys):
    with download_bar("thing.zip", 10) as advance:
        advance(10)
    assert capsys.readouterr() == ("", "")
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with open(writer, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        with download_bar("thing.zip", 10) as advance:
            advance(10)
        assert b"thing.zip" in os.read(reader, 10_000)
    os.close(reader)


def test_every_artifact_is_pinned():
    assert all(len(artifact.sha256) == 64 for artifact in ALL)


def test_the_systems_certificates_are_trusted_only_for_the_download() -> None:
    before = ssl.SSLContext
    with system_certificates():
        assert ssl.SSLContext is truststore.SSLContext
        with system_certificates():
            assert ssl.SSLContext is truststore.SSLContext
        assert ssl.SSLContext is truststore.SSLContext
    assert ssl.SSLContext is before
