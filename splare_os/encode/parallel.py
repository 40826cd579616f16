"""One encoder in several processes: a device each, texts dealt out, impacts in input order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from ..encoder import Spans
from ..errors import EncoderError, EncoderLostError
from ..impacts import Impacts, empty, stack
from ..paths import StrPath
from ..statistics import Statistics
from . import process

R = TypeVar("R")
T = TypeVar("T")

MOST_TEXTS = 512
"""Texts that a process is given at a time."""
FORK_SERVER = "forkserver"


def devices_for_batches(device: str | None) -> list[str]:
    """Return the devices of a `ParallelEncoder` that works on many small batches.

    They are `device`, or the best there is, and the processor once for each of torch's threads:
    those of one process that work on a batch each wait for Python's lock, and those that share a
    batch for each other (docs/serving.md). Torch is asked in another process.
    """
    with ProcessPoolExecutor(1, mp_context=_context(is_forked=True)) as asked:
        return asked.submit(process.best_devices, device).result()


def _context(*, is_forked: bool) -> Any:  # noqa: ANN401  # has no common type
    """Return what starts processes: forked of one that has torch, if they may be, else anew."""
    if not is_forked or FORK_SERVER not in get_all_start_methods():
        return get_context("spawn")
    context = get_context(FORK_SERVER)
    context.set_forkserver_preload([f"{__package__}.folder", f"{__package__}.process"])
    return context


@dataclass(frozen=True)
class _Pool:
    """Processes that run; they end when `alive` is closed."""

    executor: ProcessPoolExecutor
    alive: Connection

    def end(self) -> None:
        """End the processes, whatever they do."""
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.alive.close()
        self.executor.shutdown()


class ParallelEncoder:
    """The encoder of a model folder, loaded once in a process for each of `devices`.

    Processes on the CPU share its cores. Use it in a `with` block, or call `close`. If a process is
    killed, calls that are under way raise `EncoderLostError`, and the next one starts all anew.
    """

    def __init__(
        self, folder: StrPath, devices: Sequence[str], *, name: str = "", dtype: str | None = None
    ) -> None:
        self._folder, self._devices = Path(folder), list(devices)
        self._name, self._dtype = name, dtype
        self._is_open, self._is_dealt, self._lock = True, True, Lock()
        self._pool, self._told, self.dtype = self._started()

    def _started(self) -> tuple[_Pool, process.Told, str]:
        """Return processes that have loaded the model, what they tell of it, and its precisions."""
        pool, n_processes = self._new_pool(), len(self._devices)
        try:
            found = list(_run(pool, process.describe, range(n_processes)))
        except BaseException:
            pool.end()
            raise
        return pool, found[0], ",".join(sorted({told.dtype for told in found}))

    def _new_pool(self) -> _Pool:
        n_processes, n_shared = len(self._devices), self._devices.count("cpu")
        context = _context(is_forked=n_shared == n_processes)  # CUDA's processes cannot be
        queue, (ended, alive) = context.SimpleQueue(), context.Pipe(duplex=False)
        for device in self._devices:
            queue.put((device, max(1, n_shared)))
        start = process.Start(
            self._folder, self._name, self._dtype, queue, context.Barrier(n_processes), ended
        )
        executor = ProcessPoolExecutor(
            n_processes, mp_context=context, initializer=process.load, initargs=(start,)
        )
        return _Pool(executor, alive)

    def __enter__(self) -> "ParallelEncoder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        self._is_open = False
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
            yield from _run(pool, task, parts)
        except EncoderLostError:
            self._forget(pool)
            raise

    def _running(self) -> _Pool:
        """Return the processes, new ones if one of the last has ended."""
        with self._lock:
            if not self._is_open:
                raise ValueError("this encoder is closed: make another one")
            if self._pool.alive.closed:
                pool, told, _ = self._started()
                if told.fingerprint != self.fingerprint:
                    pool.end()
                    raise EncoderError(
                        f"{self._folder} holds another model by now ({told.fingerprint}, was "
                        f"{self.fingerprint}): load it anew"
                    )
                self._pool = pool
            return self._pool

    def _forget(self, pool: _Pool) -> None:
        with self._lock:
            if not pool.alive.closed:
                pool.end()


def _run(pool: _Pool, task: Callable[[T], R], parts: Iterable[T]) -> Iterator[R]:
    """Yield what `task` makes of each part, in order."""
    try:
        for future in [pool.executor.submit(task, part) for part in parts]:
            yield future.result()
    except BrokenProcessPool as error:
        raise EncoderLostError(
            "a process of the encoder has ended before its work: it was killed, for memory "
            "perhaps (use fewer devices), or the program that starts it lacks "
            '`if __name__ == "__main__":`'
        ) from error
