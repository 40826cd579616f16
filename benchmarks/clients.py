"""Clients of a model server that cost little themselves: sockets of one event loop."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Load:
    """What some clients saw: seconds of each request, and of all together."""

    request_s: Sequence[float]
    total_s: float


def request_of(path: str, texts: Sequence[str]) -> bytes:
    """Return the bytes of one request."""
    body = json.dumps({"texts": list(texts)}).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def load(url: str, requests: Sequence[bytes], *, clients: int) -> Load:
    """Send all requests by so many clients, each one after another; each answer has to be 200."""
    return asyncio.run(_load(url, list(requests), clients))


async def _load(url: str, requests: list[bytes], clients: int) -> Load:
    left, taken = iter(requests), list[float]()
    place = urlsplit(url)
    pairs = [await asyncio.open_connection(place.hostname, place.port) for _ in range(clients)]
    start = time.perf_counter()
    await asyncio.gather(*(_client(*pair, left, taken) for pair in pairs))
    total_s = time.perf_counter() - start
    for _, writer in pairs:
        writer.close()
    return Load(taken, total_s)


async def _client(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    left: Iterator[bytes],
    taken: list[float],
) -> None:
    for request in left:
        start = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise OSError(f"the server answers {head[:40]!r}")
        (line,) = (line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(line.split(b":")[1]))
        taken.append(time.perf_counter() - start)
