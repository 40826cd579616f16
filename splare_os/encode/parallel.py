"""One encoder in several processes: a device each, texts dealt out, impacts in input order."""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import TypeVar

from ..encoder import Spans
from ..errors import EncoderError, EncoderLostError
from ..forks import remake_in_children
from ..impacts import Impacts, empty, stack
from ..paths import StrPath
from ..statistics import Statistics
from . import process
from .pool import Pool

R = TypeVar("R")

MOST_TEXTS = 512
"""Texts that a process is given at a time."""


def devices_for_batches(device: str | None) -> list[str]:
    """Return the devices of a `ParallelEncoder` that works on many small batches.

    They are `device`, or the best there is, and the processor once for each of torch's threads:
    those of one process that work on a batch each wait for Python's lock, and those that share a
    batch for each other (docs/serving.md). Torch is asked in another process.
    """
    pool = Pool([None], is_forked=True)
    try:
        return next(pool.run(process.best_devices, [device]))
    finally:
        pool.end()


class ParallelEncoder:
    """The encoder of a model folder, loaded once in a process for each of `devices`.

    Processes on the CPU share its cores. Use it in a `with` block, or call `close`. If a process is
    killed, calls that it works on raise `EncoderLostError`, and the next one starts all anew. It is
    of no use in a process that is forked.
    """

    def __init__(
        self, folder: StrPath, devices: Sequence[str], *, name: str = "", dtype: str | None = None
    ) -> None:
        self._folder, self._devices = Path(folder).absolute(), list(devices)
        self._name, self._dtype = name, dtype
        self._is_open, self._is_dealt, self._lock = True, True, Lock()
        self._owner = os.getpid()
        self._pool, self._told, self.dtype = self._started()
        remake_in_children(self)

    def in_child(self) -> None:
        """Leave the processes to the parent, of whom they are."""
        self._lock = Lock()
        self._pool.leave()

    def _started(self) -> tuple[Pool, process.Told, str]:
        """Return processes that have loaded the model, what they tell of it, and its precisions."""
        n_shared = self._devices.count("cpu")
        starts = [
            process.Start(self._folder, self._name, device, self._dtype, max(1, n_shared))
            for device in self._devices
        ]
        pool = Pool(starts, is_forked=n_shared == len(starts))  # CUDA's processes cannot be
        try:
            found = list(pool.run(process.describe, range(len(starts))))  # each is asked once
        except BaseException:
            pool.end()
            raise
        return pool, found[0], ",".join(sorted({told.dtype for told in found}))

    def __enter__(self) -> "ParallelEncoder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        self._is_open = False
        if self._owner == os.getpid():
            self._pool.end()

    @property
    def name(self) -> str:
        """The model's name."""
        return self._told.name

    @property
    def fingerprint(self) -> str:
        """What tells machines which model this is."""
        return self._told.fingerprint

    @property
    def n_latents(self) -> int:
        """Number of latents."""
        return self._told.n_latents

    @property
    def prior(self) -> Statistics | None:
        """Statistics of the model's own texts."""
        return self._told.prior

    @property
    def document_top_k(self) -> int | None:
        """Most impacts of a document."""
        return self._told.document_top_k

    @property
    def query_top_k(self) -> int:
        """Most impacts of a query."""
        return self.n_latents if self._told.query_top_k is None else self._told.query_top_k

    @property
    def pass_tokens(self) -> int:
        """Tokens of one forward pass."""
        return self._told.pass_tokens

    def side_by_side(self) -> int:
        """Return how many calls to make at a time: from now on each is one process's work."""
        self._is_dealt = False
        return len(self._devices)

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of documents, in the order of `texts`."""
        return stack([empty(0, self.n_latents), *self._deal(process.documents, texts)])

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, in the order of `texts`."""
        return stack([empty(0, self.n_latents), *self._deal(process.queries, texts)])

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, all of them."""
        return stack([empty(0, self.n_latents), *self._deal(process.whole_queries, texts)])

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Return for each text where each of its impacts comes from."""
        task = process.query_spans if query else process.document_spans
        return list(chain.from_iterable(self._deal(task, texts)))

    def _deal(self, task: Callable[[list[str]], R], texts: Sequence[str]) -> Iterator[R]:
        """Yield what `task` makes of parts of `texts`, so small that no process waits long."""
        shares = 4 * len(self._devices) if self._is_dealt else 1
        size = min(MOST_TEXTS, -(-len(texts) // shares) or 1)
        parts = [list(texts[at : at + size]) for at in range(0, len(texts), size)]
        pool = self._running()
        try:
            yield from pool.run(task, parts)
        except EncoderLostError:
            self._forget(pool)
            raise

    def _running(self) -> Pool:
        """Return the processes, new ones if one of the last has ended."""
        if self._owner != os.getpid():
            raise EncoderError(
                f"the processes of {self.name!r} are those of process {self._owner}, of which this "
                f"one ({os.getpid()}) was forked: load the model in each"
            )
        with self._lock:
            if self._is_open and not self._pool.is_whole():
                self._pool.end()
                self._pool = self._same_again()
            if not self._is_open:  # closed by now, perhaps
                self._pool.end()
                raise ValueError("this encoder is closed: make another one")
            return self._pool

    def _same_again(self) -> Pool:
        pool, told, _ = self._started()
        if told.fingerprint != self.fingerprint:
            pool.end()
            raise EncoderError(
                f"{self._folder} holds another model by now ({told.fingerprint}, was "
                f"{self.fingerprint}): load it anew"
            )
        return pool

    def _forget(self, pool: Pool) -> None:
        with self._lock:
            if not pool.is_ended:
                pool.end()
