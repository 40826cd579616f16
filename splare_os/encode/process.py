"""What a process of a `ParallelEncoder` does: it has an encoder of its own, and its parent asks.

The parent needs no torch. A process is in a session of its own, so that Ctrl-C and a terminal that
is closed are its parent's to answer, and ends when its parent does, however that ends.
"""

import gc
import os
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from threading import Thread
from traceback import format_exc
from typing import Any

from ..encoder import (
    Encoder,
    GivesWholeQueries,
    Spans,
    is_able,
    own_prior,
    own_top_k,
    pass_tokens,
    precision,
)
from ..impacts import Impacts
from ..statistics import Statistics
from .quiet import quieten_transformers

MOST_PROCESSES = 16
"""Of a processor with more threads, processes have several each."""


@dataclass(frozen=True)
class Told:
    """What a process tells of its encoder."""

    name: str
    fingerprint: str
    n_latents: int
    document_top_k: int | None
    query_top_k: int | None
    pass_tokens: int
    prior: Statistics | None
    dtype: str


@dataclass(frozen=True)
class Start:
    """What a process loads, and how many share the processor."""

    folder: Path
    name: str
    device: str
    dtype: str | None
    n_shared: int


_process: dict[str, Any] = {}
"""The `encoder`, or the `failure` to load it."""


def work(line: Connection, alive: Connection, start: Start | None) -> None:
    """Answer what is asked over `line`, once the model is loaded; `alive` ends with the parent."""
    if hasattr(os, "setsid"):
        os.setsid()
    Thread(target=_end_with_parent, args=(alive,), daemon=True).start()
    if start is not None:
        _load(start)
    try:
        while True:
            line.send_bytes(_answer(*line.recv()))
    except (EOFError, OSError):  # nobody asks any more
        return


def _load(start: Start) -> None:
    try:
        import torch

        from .folder import load_folder

        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        quieten_transformers()
        torch.set_num_threads(max(1, torch.get_num_threads() // start.n_shared))
        encoder = load_folder(start.folder, start.name, device=start.device, dtype=start.dtype)
        is_able(encoder)  # the first pass of a model is slow
        _process["encoder"] = encoder
        gc.freeze()  # what was loaded stays, and need not be looked through
    except Exception as error:  # noqa: BLE001  # told to whoever asks, by `describe`
        _process["failure"] = error


def _end_with_parent(alive: Connection) -> None:
    wait([alive])
    os._exit(0)


def _answer(task: Callable[[Any], object], part: object) -> Any:  # noqa: ANN401  # bytes, in effect
    """Return what `task` makes of a part, or raises, pickled."""
    try:
        return ForkingPickler.dumps((True, task(part)))
    except BaseException as error:  # noqa: BLE001  # libraries in Rust raise such
        error.add_note(format_exc())
        try:
            said = ForkingPickler.dumps((False, error))
            ForkingPickler.loads(said)  # not every error can be made anew
        except Exception:  # noqa: BLE001
            return ForkingPickler.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
        return said


def _own() -> Encoder:
    if "failure" in _process:
        raise _process["failure"]
    encoder: Encoder = _process["encoder"]
    return encoder


def describe(_: int) -> Told:
    """Return what the encoder of this process is."""
    encoder = _own()
    return Told(
        encoder.name,
        encoder.fingerprint,
        encoder.n_latents,
        own_top_k(encoder),
        encoder.query_top_k if isinstance(encoder, GivesWholeQueries) else None,
        pass_tokens(encoder),
        own_prior(encoder),
        precision(encoder),
    )


def best_devices(device: str | None) -> list[str]:
    """Return `device`, or the best there is; the processor as often as torch has threads."""
    import torch
    from sentence_transformers.util import get_device_name

    name: str = device or get_device_name()
    return ["cpu"] * min(MOST_PROCESSES, torch.get_num_threads()) if name == "cpu" else [name]


def documents(texts: list[str]) -> Impacts:
    """Return impacts [text, latent] of documents."""
    return _own().encode_documents(texts)


def queries(texts: list[str]) -> Impacts:
    """Return impacts [text, latent] of queries."""
    return _own().encode_queries(texts)


def whole_queries(texts: list[str]) -> Impacts:
    """Return impacts [text, latent] of queries before they are cut."""
    encoder = _own()
    if not isinstance(encoder, GivesWholeQueries):
        return encoder.encode_queries(texts)
    return encoder.encode_whole_queries(texts)


def document_spans(texts: list[str]) -> list[Spans]:
    """Return for each document where each of its impacts comes from."""
    return _own().spans(texts)


def query_spans(texts: list[str]) -> list[Spans]:
    """Return for each query where each of its impacts comes from."""
    return _own().spans(texts, query=True)
