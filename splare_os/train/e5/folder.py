"""The folder that is written: a BERT with mean pooling and E5's prompts, in float32."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from ...errors import TrainingError

Weights: TypeAlias = dict[str, NDArray[np.float32]]
"""Tensors by transformers' names."""

PROMPTS = {"query": "query: ", "document": "passage: "}
MAX_TOKENS = 512


@dataclass(frozen=True)
class Shape:
    """A BERT's shape: hidden size, numbers of layers, heads, rows, positions and types; epsilon."""

    hidden: int
    layers: int
    heads: int
    vocabulary: int
    positions: int
    types: int
    eps: float


def shape_of(weights: Weights, *, head_size: int, eps: float = 1e-12) -> Shape:
    """Return the shape that the weights tell, with heads of `head_size` numbers."""
    names = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    for name in names:
        if f"embeddings.{name}.weight" not in weights:
            raise TrainingError(f"no tensor embeddings.{name}.weight: not a BERT")
    rows, positions, types = (len(weights[f"embeddings.{name}.weight"]) for name in names)
    layers = {name.split(".")[2] for name in weights if name.startswith("encoder.layer.")}
    hidden = weights["embeddings.word_embeddings.weight"].shape[1]
    return Shape(hidden, len(layers), hidden // head_size, rows, positions, types, eps)


def save_e5(
    weights: Weights,
    shape: Shape,
    tokenizer: bytes,
    out: Path,
    *,
    special: Mapping[str, str],
    readme: str,
) -> None:
    """Write the folder `out`, which appears when it is whole.

    `tokenizer` is a `tokenizer.json`, `special` the names of its special tokens. `TrainingError`
    for weights that are missing, left over, or of another shape.
    """
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    with TemporaryDirectory() as plain:
        _bert(weights, shape).save_pretrained(plain)
        _tokenizer(tokenizer, special).save_pretrained(plain)
        transformer = Transformer(plain, max_seq_length=min(MAX_TOKENS, shape.positions))
        modules = [transformer, Pooling(shape.hidden, "mean"), Normalize()]
        SentenceTransformer(modules=modules, prompts=PROMPTS, device="cpu").save(str(part))
    (part / "README.md").write_text(readme, encoding="utf-8")
    part.rename(out)


def _bert(weights: Weights, shape: Shape) -> BertModel:
    config = BertConfig(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=len(weights["encoder.layer.0.intermediate.dense.bias"]),
        vocab_size=shape.vocabulary,
        max_position_embeddings=shape.positions,
        type_vocab_size=shape.types,
        layer_norm_eps=shape.eps,
    )
    model = BertModel(config)
    tensors = {name: torch.from_numpy(np.array(tensor)) for name, tensor in weights.items()}
    for name, unused in model.state_dict().items():
        if name.startswith("pooler."):  # nobody reads it; absent, it would be drawn at random
            tensors[name] = torch.zeros_like(unused)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise TrainingError(f"the weights are not of a BERT of shape {shape}: {error}") from error
    return model


def _tokenizer(content: bytes, special: Mapping[str, str]) -> PreTrainedTokenizerFast:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "tokenizer.json"
        file.write_bytes(content)
        options = {"tokenizer_file": str(file), **special}
        return PreTrainedTokenizerFast(**options)  # type: ignore[no-untyped-call]
