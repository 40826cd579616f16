"""One encoder in several processes: a device each, texts dealt out, impacts in input order."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from typing import TypeVar

import torch

from ..encoders import Encoder, Spans
from ..errors import EncoderError
from ..impacts import Impacts, empty, stack

R = TypeVar("R")

MOST_TEXTS = 512
"""Texts that a process is given at a time."""

_encoder: Encoder | None = None
"""In a process of the pool: its encoder."""


class ParallelEncoder:
    """The encoder of a model folder, loaded once in a process for each of `devices`.

    Processes on the CPU share its cores. Use it in a `with` block, or call `close`.
    """

    def __init__(self, folder: Path, devices: Sequence[str], *, dtype: str | None = None) -> None:
        context = get_context("spawn")  # a forked process cannot use CUDA
        queue = context.Queue()
        n_threads = max(1, torch.get_num_threads() // max(1, list(devices).count("cpu")))
        for device in devices:
            queue.put((device, n_threads))
        self._n_processes = len(devices)
        self._pool = ProcessPoolExecutor(
            len(devices), mp_context=context, initializer=_load, initargs=(folder, dtype, queue)
        )
        self.name, self.fingerprint, self.n_latents = self._result(self._pool.submit(_describe))

    def __enter__(self) -> "ParallelEncoder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(cancel_futures=True)

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of documents, in the order of `texts`."""
        return stack([empty(0, self.n_latents), *self._deal(_documents, texts)])

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, in the order of `texts`."""
        return stack([empty(0, self.n_latents), *self._deal(_queries, texts)])

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Return for each text where each of its impacts comes from."""
        task = _query_spans if query else _document_spans
        return list(chain.from_iterable(self._deal(task, texts)))

    def _deal(self, task: Callable[[list[str]], R], texts: Sequence[str]) -> Iterator[R]:
        """Yield what `task` makes of parts of `texts`, so small that no process waits long."""
        size = min(MOST_TEXTS, -(-len(texts) // (4 * self._n_processes)) or 1)
        parts = [list(texts[at : at + size]) for at in range(0, len(texts), size)]
        for future in [self._pool.submit(task, part) for part in parts]:
            yield self._result(future)

    def _result(self, future: "Future[R]") -> R:
        try:
            return future.result()
        except BrokenProcessPool as error:
            self.close()
            raise EncoderError(
                "a process of the encoder has ended before its work (was it killed for memory, or "
                "could the model not be loaded?): use fewer devices"
            ) from error


def _load(folder: Path, dtype: str | None, devices: "Queue[tuple[str, int]]") -> None:
    from ..encoders import load_encoder

    global _encoder  # noqa: PLW0603  # a process of the pool has one encoder
    device, n_threads = devices.get()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(n_threads)
    _encoder = load_encoder(str(folder), device=device, dtype=dtype)


def _own() -> Encoder:
    if _encoder is None:
        raise EncoderError("this process has no encoder: it is not one of a ParallelEncoder")
    return _encoder


def _describe() -> tuple[str, str, int]:
    encoder = _own()
    return encoder.name, encoder.fingerprint, encoder.n_latents


def _documents(texts: list[str]) -> Impacts:
    return _own().encode_documents(texts)


def _queries(texts: list[str]) -> Impacts:
    return _own().encode_queries(texts)


def _document_spans(texts: list[str]) -> list[Spans]:
    return _own().spans(texts)


def _query_spans(texts: list[str]) -> list[Spans]:
    return _own().spans(texts, query=True)
