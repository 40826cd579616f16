"""A server in a process of its own, whose encoder knows words by their hash, or takes its time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import urllib3

from splare_os.encoder import PLAIN, Spans
from splare_os.errors import EncoderError
from splare_os.impacts import Impacts
from splare_os.serve import Address, Limits, serve
from tests.hashing import WordEncoder

ROOT = Path(__file__).parents[2]
START_S = 120.0
SLOW = "slowly"


class SlowEncoder(WordEncoder):
    """A text with the word `slowly` takes half a second; `broken` is an error of the model."""

    document_top_k = 400
    query_top_k = 2
    is_broken = False

    def __init__(self, *, at_a_time: int = 1, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self.at_a_time = at_a_time

    def side_by_side(self) -> int:
        return self.at_a_time

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        time.sleep(0.5 * sum(SLOW in text for text in texts))
        is_probe = list(texts) == [PLAIN]  # after which it is well again
        if any("broken" in text for text in texts) or (is_probe and self.is_broken):
            self.is_broken = not is_probe
            raise KeyError(f"secret {texts[0]}")
        return super().encode_documents(texts)

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        return self.encode_documents(texts)

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        if any("spanless" in text for text in texts):
            raise EncoderError("model 'hash' has no spans for these")
        return super().spans(texts, query=query)


@dataclass
class Server:
    """A server that runs: where it is, and what it says on stderr."""

    url: str
    process: "subprocess.Popen[bytes]"
    said: Path

    def __post_init__(self) -> None:
        self.pool = urllib3.PoolManager(retries=False, timeout=30.0, maxsize=64)

    def post(self, path: str, content: object, **headers: str) -> tuple[int, Any]:
        """Return status and JSON of a reply."""
        body = content if isinstance(content, bytes) else orjson.dumps(content)
        sent = {"content-type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        reply = self.pool.request("POST", self.url + path, body=body, headers=sent)
        return reply.status, orjson.loads(reply.data)

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Return status and body of a reply."""
        reply = self.pool.request("GET", self.url + path, headers=headers)
        return reply.status, reply.data

    def metric(self, name: str) -> float:
        """Return a value of /metrics by its whole name, labels included; 0 if it is not there."""
        lines = self.get("/metrics")[1].decode().splitlines()
        found = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return next((float(value) for told, _, value in found if told == name), 0.0)

    def wait_for(self, name: str, value: float) -> None:
        """Wait until a metric has a value; requests are counted after their answer is sent."""
        end = time.monotonic() + 30
        while (found := self.metric(name)) != value:
            assert time.monotonic() < end, f"{name} is {found}, not {value}"
            time.sleep(0.05)

    def peak_mb(self) -> float:
        """Return the most memory that it held, in MB (10**6 bytes)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        told = dict(line.split(":", 1) for line in lines)
        return int(told["VmHWM"].split()[0]) * 1024 / 1e6

    def end(self) -> int:
        """Send SIGTERM, and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def running(
    folder: Path, *, command: Sequence[str] = (), start_new_session: bool = False, **told: object
) -> Iterator[Server]:
    """Run a server: of `command`, or the one of this file with these limits and settings."""
    words = [*command] or ["-m", "tests.serve.serving", json.dumps(told)]
    said = folder / "stderr.txt"
    with said.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=start_new_session,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, said.read_text()
        yield Server(json.loads(line)["url"], process, said)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()


def main(told: dict[str, Any]) -> None:
    """Serve words by their hash; `load_s` is how long loading takes."""
    token, load_s = told.pop("token", None), told.pop("load_s", 0.0)
    address = Address(**{"port": 0} | told.pop("address", {}))
    encoder = SlowEncoder(**told.pop("encoder", {}))

    def load() -> SlowEncoder:
        time.sleep(load_s)
        return encoder

    def announce(url: str, _: object) -> None:
        print(json.dumps({"url": url, "pid": os.getpid()}), flush=True)

    if load_s:
        announce(f"http://{address.host}:{address.port}", None)
    serve(
        load,
        address,
        Limits(**asdict(Limits()) | told),
        token=token,
        on_ready=announce if not load_s else lambda *_: None,
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
