"""Documents and their impacts as the actions of a bulk request: pure functions."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

import numpy as np
import orjson
from numpy.typing import NDArray

from ..impacts import Impacts, as_stored
from .sources import Body, Document

N_LATENTS_KEPT = 20
"""Heaviest latents in the keyword field, for aggregations."""

SMALLEST, LARGEST = np.finfo(np.float32).tiny, np.finfo(np.float32).max


@dataclass(frozen=True)
class Target:
    """Where impacts go and what made them: concrete index, impacts field, model, cut."""

    index: str
    field: str
    fingerprint: str
    top_k: int


@dataclass(frozen=True, slots=True)
class Action:
    """One document on its way: its id and its two lines (action, source) of the bulk body."""

    id: str
    lines: bytes


def digest(text: str, fingerprint: str, top_k: int) -> str:
    """Return 16 hex digits that change with the text, the model and the cut.

    >>> digest("a text", "0123456789abcdef", 400)
    'd47cd4fac3e6cf20'
    """
    return sha256(f"{fingerprint}\n{top_k}\n{text}".encode()).hexdigest()[:16]


def impacts_object(impacts: Impacts, row: int) -> dict[str, object]:
    """Return `impacts`, `latents` and `count` of one text as the index holds them.

    Heaviest first, values as Lucene keeps them (9 bits): `_source` says what is scored. Each row
    of `impacts` has its latents sorted.
    """
    start, end = impacts.indptr[row], impacts.indptr[row + 1]
    values = as_stored(impacts.data[start:end])
    order = np.argsort(-values, kind="stable")  # latents ascend: equal impacts keep the lower
    names = latent_names(impacts.shape[1])[impacts.indices[start:end][order]].tolist()
    features = dict(zip(names, values[order], strict=True))
    return {"impacts": features, "latents": names[:N_LATENTS_KEPT], "count": len(names)}


@lru_cache(maxsize=4)
def latent_names(n_latents: int) -> NDArray[np.object_]:
    """Return the names of all latents: a look-up is five times as fast as making them."""
    return np.array(list(map(str, range(n_latents))), dtype=object)


def to_action(document: Document, impacts: Impacts | None, row: int, target: Target) -> Action:
    """Return the action that stores a document whole, with its impacts (None: it has none).

    `ValueError` if the document nests too deeply to be written.
    """
    if document.id is None or document.body is None:
        raise ValueError(f"line {document.line} is no document: {document.reason}")
    made = digest(document.text, target.fingerprint, target.top_k)
    has_any = impacts is not None and impacts.indptr[row] < impacts.indptr[row + 1]
    ours = impacts_object(impacts, row) if impacts is not None and has_any else {"count": 0}
    body = document.body | {target.field: ours | {"digest": made}}
    head = orjson.dumps({"index": {"_index": target.index, "_id": document.id}})
    try:
        tail = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"cannot be written as JSON: {error}") from error
    return Action(document.id, head + b"\n" + tail + b"\n")


def bad_impacts(impacts: Impacts) -> dict[int, str]:
    """Return row → reason for each text with an impact that the index cannot hold.

    A single zero, negative, denormal or non-finite value makes Lucene reject the document.
    """
    good = (impacts.data >= SMALLEST) & (impacts.data <= LARGEST)
    if good.all():
        return {}
    bad: NDArray[np.intp] = np.flatnonzero(~good)
    rows = np.searchsorted(impacts.indptr, bad, side="right") - 1
    return {
        int(row): f"impact {impacts.data[at]} of latent {impacts.indices[at]}: the encoder must "
        f"give finite values of at least {SMALLEST:.3g}"
        for row, at in zip(rows[::-1], bad[::-1], strict=True)
    }


def is_unchanged(document: Document, stored: Body | None, target: Target) -> bool:
    """Return whether the index holds this very document: same text, same model, same rest.

    `stored` is the document's `_source`, None if there is none.
    """
    ours = (stored or {}).get(target.field)
    if stored is None or document.body is None or not isinstance(ours, dict):
        return False
    if ours.get("digest") != digest(document.text, target.fingerprint, target.top_k):
        return False
    rest = {key: value for key, value in stored.items() if key != target.field}
    try:  # compared as JSON, in which `true` is not `1`, as it is for Python's ==
        return _canonical(rest) == _canonical(document.body)
    except orjson.JSONEncodeError:
        return False


def _canonical(body: Body) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
