"""An encoder that takes its time, and clients whose end is watched."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from splare_os.encoder import Encoder, Spans
from splare_os.impacts import Impacts

if TYPE_CHECKING:
    from splare_os.search import AsyncSplareOpenSearch

Use: TypeAlias = "Callable[[AsyncSplareOpenSearch], Awaitable[Any]]"
Run: TypeAlias = Callable[..., Any]
"""Runs a `Use` with a client of some options."""


class Slow:
    """An encoder that takes its time, and notes what it was asked and in which thread."""

    def __init__(self, encoder: Encoder, pause_s: float = 0.4) -> None:
        self.encoder, self.pause_s = encoder, pause_s
        self.name, self.fingerprint = encoder.name, encoder.fingerprint
        self.n_latents = encoder.n_latents
        self.asked: list[list[str]] = []
        self.threads: set[str] = set()
        self.is_in = threading.Event()

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        return self.encoder.encode_documents(texts)

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        return self.encoder.encode_queries(texts)

    @property
    def query_top_k(self) -> int:
        return self.encoder.query_top_k

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        self.asked.append(list(texts))
        self.threads.add(threading.current_thread().name)
        self.is_in.set()
        time.sleep(self.pause_s)
        return self.encoder.encode_whole_queries(texts)

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        return self.encoder.spans(texts, query=query)


def our_threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("splare")]


def runner(url: str, encoder: Encoder) -> Run:
    """Return what runs a coroutine with a client; nothing of the client runs afterwards."""
    from splare_os.search import AsyncSplareOpenSearch  # aiohttp, which most tests do without

    def run(use: Use, **options: Any) -> Any:
        async def main() -> Any:
            async with AsyncSplareOpenSearch(url, **{"encoder": encoder, **options}) as client:
                found = await use(client)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            assert our_threads() == []
            return found

        return asyncio.run(main())

    return run
