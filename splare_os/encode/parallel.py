"""One encoder in several processes: a device each, texts dealt out, impacts in input order."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, TypeVar

import torch

from ..encoder import Encoder, GivesWholeQueries, Spans, own_prior, precision
from ..errors import EncoderError, SplareError
from ..impacts import Impacts, empty, stack
from ..paths import StrPath
from ..statistics import Statistics
from .card import Card

R = TypeVar("R")
T = TypeVar("T")

MOST_TEXTS = 512
"""Texts that a process is given at a time."""

_process: dict[str, Any] = {}
"""In a process of the pool: its `encoder`, or the `failure` to load it, and the `barrier`."""


class ParallelEncoder:
    """The encoder of a model folder, loaded once in a process for each of `devices`.

    Processes on the CPU share its cores. Use it in a `with` block, or call `close`.
    """

    def __init__(
        self, folder: StrPath, devices: Sequence[str], *, name: str = "", dtype: str | None = None
    ) -> None:
        context = get_context("spawn")  # a forked process cannot use CUDA
        queue, all_loaded = context.Queue(), context.Barrier(len(devices))
        n_threads = max(1, torch.get_num_threads() // max(1, list(devices).count("cpu")))
        for device in devices:
            queue.put((device, n_threads))
        self._n_processes, self._is_open = len(devices), True
        self._pool = ProcessPoolExecutor(
            len(devices),
            mp_context=context,
            initializer=_load,
            initargs=(Path(folder), name, dtype, queue, all_loaded),
        )
        try:
            found = list(self._run(_describe, range(len(devices))))
        except BaseException:
            self.close()
            raise
        self.name, self.fingerprint, self.n_latents, self.card, self.prior, _ = found[0]
        self.dtype = ",".join(sorted({dtype for *_, dtype in found}))

    def __enter__(self) -> "ParallelEncoder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        self._is_open = False
        self._pool.shutdown(cancel_futures=True)

    @property
    def document_top_k(self) -> int | None:
        """Most impacts of a document."""
        return self.card.document_top_k if self.card else None

    @property
    def query_top_k(self) -> int:
        """Most impacts of a query."""
        return self.card.query_top_k if self.card else self.n_latents

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of documents, in the order of `texts`."""
        return stack([empty(0, self.n_latents), *self._deal(_documents, texts)])

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, in the order of `texts`."""
        return stack([empty(0, self.n_latents), *self._deal(_queries, texts)])

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, all of them."""
        return stack([empty(0, self.n_latents), *self._deal(_whole_queries, texts)])

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Return for each text where each of its impacts comes from."""
        task = _query_spans if query else _document_spans
        return list(chain.from_iterable(self._deal(task, texts)))

    def _deal(self, task: Callable[[list[str]], R], texts: Sequence[str]) -> Iterator[R]:
        """Yield what `task` makes of parts of `texts`, so small that no process waits long."""
        size = min(MOST_TEXTS, -(-len(texts) // (4 * self._n_processes)) or 1)
        parts = [list(texts[at : at + size]) for at in range(0, len(texts), size)]
        return self._run(task, parts)

    def _run(self, task: Callable[[T], R], parts: Iterable[T]) -> Iterator[R]:
        """Yield what `task` makes of each part, in order."""
        if not self._is_open:
            raise ValueError("this encoder is closed: make another one")
        try:
            for future in [self._pool.submit(task, part) for part in parts]:
                yield future.result()
        except BrokenProcessPool as error:
            self.close()
            raise EncoderError(
                "a process of the encoder has ended before its work: it was killed, for memory "
                "perhaps (use fewer devices), or the program that starts it lacks "
                '`if __name__ == "__main__":`'
            ) from error


def _load(
    folder: Path,
    name: str,
    dtype: str | None,
    devices: "Queue[tuple[str, int]]",
    all_loaded: Barrier,
) -> None:
    from .folder import load_folder

    device, n_threads = devices.get()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(n_threads)
    _process["barrier"] = all_loaded
    try:
        _process["encoder"] = load_folder(folder, name, device=device, dtype=dtype)
    except (SplareError, ValueError) as error:  # told to whoever asks, by `_describe`
        _process["failure"] = error


def _own() -> Encoder:
    if "failure" in _process:
        raise _process["failure"]
    encoder: Encoder = _process["encoder"]
    return encoder


def _describe(_: int) -> tuple[str, str, int, Card | None, Statistics | None, str]:
    _process["barrier"].wait()  # so that every process is asked once
    encoder = _own()
    card: Card | None = getattr(encoder, "card", None)
    known = encoder.name, encoder.fingerprint, encoder.n_latents
    return *known, card, own_prior(encoder), precision(encoder)


def _documents(texts: list[str]) -> Impacts:
    return _own().encode_documents(texts)


def _queries(texts: list[str]) -> Impacts:
    return _own().encode_queries(texts)


def _whole_queries(texts: list[str]) -> Impacts:
    encoder = _own()
    if not isinstance(encoder, GivesWholeQueries):
        return encoder.encode_queries(texts)
    return encoder.encode_whole_queries(texts)


def _document_spans(texts: list[str]) -> list[Spans]:
    return _own().spans(texts)


def _query_spans(texts: list[str]) -> list[Spans]:
    return _own().spans(texts, query=True)
