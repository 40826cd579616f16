"""BERT weights in a dynamically quantized ONNX file, as onnxruntime makes it.

Matrices are int8 with a scale and a zero point per output channel, [in, out]; embeddings are uint8
with one scale; the rest is float32. Source: onnx.proto (numbers of fields), onnxruntime's
`quantize_dynamic` (names `…_quantized`, `…_scale`, `…_zero_point`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import TrainingError
from .folder import Weights

Field: TypeAlias = tuple[int, int | memoryview]

GRAPH, NODES, INITIALIZERS = 7, 1, 5
NODE_INPUTS, NODE_NAME, NODE_KIND = 1, 3, 4
DIMS, DATA_TYPE, FLOATS, INTS, NAME, RAW = 1, 2, 4, 5, 8, 9
TYPES = {1: "<f4", 2: "u1", 3: "i1", 7: "<i8"}
"""`TensorProto.DataType`: FLOAT, UINT8, INT8, INT64."""

QUANTIZED = "_quantized"
MATRIX = re.compile(r"/(encoder/layer\.\d+/.+)/MatMul_quant")


def read_quantized_onnx(data: bytes) -> Weights:
    """Return the float32 weights of a quantized BERT, under transformers' names.

    `TrainingError` for a file that is no such model, or is cut off.
    """
    try:
        graph = _only(memoryview(data), GRAPH)
        tensors = dict(_tensor(raw) for raw in _all(graph, INITIALIZERS))
        matrices = dict(_matrices(graph))
    except (IndexError, ValueError, KeyError) as error:
        raise TrainingError(f"the ONNX file is damaged, or no quantized BERT: {error}") from error
    weights: Weights = {}
    for name, tensor in tensors.items():
        if name.endswith(QUANTIZED):
            stem = name.removesuffix(QUANTIZED)
            whole = _dequantized(tensors, stem)
            is_matrix = stem in matrices
            weights[matrices.get(stem, stem)] = whole.T.copy() if is_matrix else whole
        elif tensor.dtype == np.float32 and name.endswith((".weight", ".bias")):
            weights[name] = tensor.astype(np.float32)
    return weights


def _dequantized(tensors: dict[str, NDArray[np.generic]], stem: str) -> NDArray[np.float32]:
    """Return (w - zero point) · scale."""
    parts = {}
    for kind in (QUANTIZED, "_scale", "_zero_point"):
        if stem + kind not in tensors:
            raise TrainingError(f"the ONNX file has no tensor {stem + kind!r}")
        parts[kind] = tensors[stem + kind].astype(np.float32)
    found: NDArray[np.float32] = (parts[QUANTIZED] - parts["_zero_point"]) * parts["_scale"]
    return found


def _matrices(graph: memoryview) -> Iterator[tuple[str, str]]:
    """Yield each matrix' name in the file and in transformers, which its node's name tells."""
    for raw in _all(graph, NODES):
        if _text(raw, NODE_KIND) != "MatMulInteger":
            continue
        matched = MATRIX.fullmatch(_text(raw, NODE_NAME))
        if matched:
            name = str(_all(raw, NODE_INPUTS)[1], "utf-8")
            yield name.removesuffix(QUANTIZED), matched[1].replace("/", ".") + ".weight"


def _tensor(raw: memoryview) -> tuple[str, NDArray[np.generic]]:
    """Return a tensor's name and content; what has no dimensions is a scalar."""
    parts: dict[int, list[int | memoryview]] = {}
    for number, value in _fields(raw):
        parts.setdefault(number, []).append(value)
    name = str(_bytes(parts[NAME][0]), "utf-8")
    dims = [int(size) for size in _integers(parts.get(DIMS, []))]
    kind = int(_number(parts[DATA_TYPE][0]))
    if kind not in TYPES:
        raise TrainingError(f"tensor {name!r} is of ONNX type {kind}: known are {sorted(TYPES)}")
    if RAW in parts:
        found = np.frombuffer(_bytes(parts[RAW][0]), dtype=TYPES[kind])
    elif FLOATS in parts:
        found = np.frombuffer(b"".join(map(_bytes, parts[FLOATS])), dtype=TYPES[kind])
    else:
        integers = _integers(parts.get(INTS, []))
        signed = [value - 2**64 if value >= 2**63 else value for value in integers]
        found = np.array(signed, dtype=np.int64).astype(TYPES[kind])
    return name, found.reshape(dims)


def _integers(values: list[int | memoryview]) -> list[int]:
    """Return numbers that stand one by one or packed."""
    found: list[int] = []
    for value in values:
        if isinstance(value, int):
            found.append(value)
            continue
        at = 0
        while at < len(value):
            number, at = _varint(value, at)
            found.append(number)
    return found


def _fields(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a protobuf message: number, and an int or the bytes of it."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == 2:
            length, at = _varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a protobuf field of kind {kind}")
        if at + length > len(message):
            raise ValueError("it is cut off")
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number that begins at `at`, and where the next byte is.

    >>> _varint(memoryview(bytes([0xAC, 0x02, 7])), 0)
    (300, 2)
    """
    number = shift = 0
    while True:
        byte = message[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at


def _all(message: memoryview, wanted: int) -> list[memoryview]:
    return [_bytes(value) for number, value in _fields(message) if number == wanted]


def _only(message: memoryview, wanted: int) -> memoryview:
    found = _all(message, wanted)
    if len(found) != 1:
        raise ValueError(f"{len(found)} fields {wanted}, not one")
    return found[0]


def _text(message: memoryview, wanted: int) -> str:
    return "".join(str(value, "utf-8") for value in _all(message, wanted))


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError(f"the number {value} where bytes belong")
    return value


def _number(value: int | memoryview) -> int:
    if not isinstance(value, int):
        raise ValueError("bytes where a number belongs")
    return value
