"""What a process of a `ParallelEncoder` does: it has an encoder of its own, and its parent asks.

The parent needs no torch. A process is in a session of its own, so that Ctrl-C and a terminal that
is closed are its parent's to answer, and ends when its parent does, however that ends.
"""

import gc
import os
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import Thread
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
from ..errors import SplareError
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
    """What a process is started with: the model, and what it shares with the others.

    `devices` gives each its device, and how many share the processor; `alive` ends when the parent
    does.
    """

    folder: Path
    name: str
    dtype: str | None
    devices: "SimpleQueue[tuple[str, int]]"
    all_loaded: Barrier
    alive: Connection


_process: dict[str, Any] = {}
"""The `encoder`, or the `failure` to load it, and the `barrier`."""


def load(start: Start) -> None:
    """Load the model, and be ready to be asked."""
    import torch

    from .folder import load_folder

    os.setsid()
    Thread(target=_end_with_parent, args=(start.alive,), daemon=True).start()
    device, n_shared = start.devices.get()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    quieten_transformers()
    torch.set_num_threads(max(1, torch.get_num_threads() // n_shared))
    _process["barrier"] = start.all_loaded
    try:
        encoder = load_folder(start.folder, start.name, device=device, dtype=start.dtype)
        is_able(encoder)  # the first pass of a model is slow
        _process["encoder"] = encoder
        gc.freeze()  # what was loaded stays, and need not be looked through
    except (SplareError, ValueError) as error:  # told to whoever asks, by `describe`
        _process["failure"] = error


def _end_with_parent(alive: Connection) -> None:
    wait([alive])
    os._exit(0)


def _own() -> Encoder:
    if "failure" in _process:
        raise _process["failure"]
    encoder: Encoder = _process["encoder"]
    return encoder


def describe(_: int) -> Told:
    """Return what the encoder of this process is, once every process has loaded its own."""
    _process["barrier"].wait()  # so that every process is asked once
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
