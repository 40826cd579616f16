"""What stands in the impacts field of many documents, as JSON, at once. Pure functions.

Latents and kept impacts have few spellings (16 bits of an impact are kept), so each is looked up
in a table of cells of one width; what fills the cells up is cut out afterwards.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from ..impacts import Impacts
from .field import N_LATENTS_KEPT, FieldImpacts

Cells: TypeAlias = NDArray[np.bytes_]
"""Pieces of JSON, each filled up by zero bytes, which no JSON has."""

CUT_BITS = np.uint32(15)
"""Lucene cuts so many of an impact's 32."""

LATENT_BITS = np.uint64(32)


def field_json(made: FieldImpacts, digests: Sequence[str]) -> list[bytes]:
    """Return the field of each text: `impacts_object` of its row, and its digest.

    Impacts > 0, and in each row by rising latent.
    """
    impacts = made.impacts
    latents, values = _heaviest_first(impacts)
    names, commas = _names(impacts.shape[1])[latents], np.full(len(latents), b",")
    features, heaviest = _rows(names, _values()[values], commas), _rows(names, commas)
    lengths = orjson.dumps(made.lengths, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
    texts = []
    for row, digest in enumerate(digests):
        if not made.lengths[row] > 0:
            texts.append(empty_field_json(digest))
            continue
        start, end = impacts.indptr[row], impacts.indptr[row + 1]
        texts.append(
            b'{"impacts":{%b},"latents":[%b],"count":%d,"length":%b,"digest":"%b"}'
            % (
                _text(features[start:end]),
                _text(heaviest[start : min(end, start + N_LATENTS_KEPT)]),
                end - start,
                lengths[row],
                digest.encode(),
            )
        )
    return texts


def features_json(impacts: Impacts) -> list[bytes]:
    """Return `{latent: impact, …}` of each text, heaviest first, values as an index keeps them.

    Impacts > 0, by latent in any order.
    """
    latents, values = _heaviest_first(impacts)
    names, commas = _names(impacts.shape[1])[latents], np.full(len(latents), b",")
    cells = _rows(names, _values()[values], commas)
    edges = zip(impacts.indptr[:-1], impacts.indptr[1:], strict=True)
    return [b"{%b}" % _text(cells[start:end]) for start, end in edges]


def empty_field_json(digest: str) -> bytes:
    """Return the field of a text without impacts."""
    return b'{"count":0,"digest":"%b"}' % digest.encode()


def _heaviest_first(impacts: Impacts) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    """Return latents, and the kept bits of their impacts, of each text in the order of a field."""
    bits = (np.asarray(impacts.data, np.float32).view(np.uint32) >> CUT_BITS).astype(np.uint16)
    keys = (~bits).astype(np.uint64) << LATENT_BITS | impacts.indices.astype(np.uint64)
    for start, end in zip(impacts.indptr[:-1], impacts.indptr[1:], strict=True):
        keys[start:end].sort()
    return keys.astype(np.uint32), ~(keys >> LATENT_BITS).astype(np.uint16)


def _rows(*columns: Cells) -> NDArray[np.void]:
    """Return cells side by side; not as a recarray, which is slow to cut."""
    return np.rec.fromarrays(columns).view(np.ndarray)


def _text(rows: NDArray[np.void]) -> bytes:
    """Return rows of cells one after the other, but for the last comma."""
    return rows.tobytes().translate(None, b"\0")[:-1]


@lru_cache(maxsize=4)
def _names(n_latents: int) -> Cells:
    return np.array([b'"%d"' % latent for latent in range(n_latents)])


@lru_cache(maxsize=1)
def _values() -> Cells:
    """Return each impact that an index keeps, by its bits: the shortest text of that float32."""
    bits = np.arange(2**16, dtype=np.uint32) << CUT_BITS
    texts = orjson.dumps(bits.view(np.float32), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    return np.array([b":" + text for text in texts.split(b",")])
