"""Clients of a model server that cost little themselves: one event loop, a protocol for each."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import uvloop

LENGTH = b"\r\ncontent-length: "


@dataclass(frozen=True)
class Load:
    """What some clients saw: seconds of each request, of all together, and their own of CPU."""

    request_s: Sequence[float]
    total_s: float
    cpu_s: float


def request_of(path: str, texts: Sequence[str]) -> bytes:
    """Return the bytes of one request."""
    body = json.dumps({"texts": list(texts)}).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def load(url: str, requests: Sequence[bytes], *, clients: int) -> Load:
    """Send all requests by so many clients, each one after another; each answer has to be 200."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_load(url, requests, clients))


async def _load(url: str, requests: Sequence[bytes], clients: int) -> Load:
    left, taken, place = iter(requests), list[float](), urlsplit(url)
    loop = asyncio.get_running_loop()
    connected = [
        await loop.create_connection(lambda: Client(left, taken), place.hostname, place.port)
        for _ in range(clients)
    ]
    start, cpu = time.perf_counter(), time.process_time()
    for _, client in connected:
        client.ask()
    await asyncio.gather(*(client.done for _, client in connected))
    total_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    for transport, _ in connected:
        transport.close()
    return Load(taken, total_s, cpu_s)


class Client(asyncio.Protocol):
    """Sends what is left, one request after the other's answer, over one connection."""

    def __init__(self, left: Iterator[bytes], taken: list[float]) -> None:
        self.left, self.taken, self.answer = left, taken, b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember what to write to."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are by behaviour alone

    def ask(self) -> None:
        """Send the next request; without one, be done."""
        request = next(self.left, None)
        if request is None:
            self.done.set_result(None)
            return
        self.start, self.answer = time.perf_counter(), b""
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Read on; a whole answer makes room for the next request."""
        self.answer += data
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end:
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            self.done.set_exception(OSError(f"the server answers {head[:40]!r}"))
        elif len(body) == int(head.partition(LENGTH)[2].partition(b"\r\n")[0]):
            self.taken.append(time.perf_counter() - self.start)
            self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail if answers are waited for."""
        if not self.done.done():
            self.done.set_exception(exc or OSError("the server ends a connection"))
