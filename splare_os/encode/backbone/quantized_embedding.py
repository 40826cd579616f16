"""A token embedding in 8 or 4 bits a number, with scales, in a file of its own.

8 bits: a row's numbers are its integers times its scale, at most 1/254 of its largest number away.
4 bits: llama.cpp's Q4_0. 32 numbers of a row share a scale d, and each is (q - 8) d, at most about
1/16 of the largest of the 32 away; numbers that were Q4_0 before stay exactly what they are.
Rows are read where they lie in the file; only those that are looked up become numbers.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from ...errors import EncoderError
from .embedding import MappedEmbedding

EMBEDDING = "embedding.safetensors"
"""In a model folder, beside the weights: `rows` and `scales`.

8 bits: int8 [row, state] and float32 [row]. 4 bits: uint8 [row, state / 2] and float16
[row, state / 32]; of the 32 numbers of a block, its 16 bytes have the first 16 in their low halves.
"""
LARGEST = 127
BLOCK = 32
BITS = (8, 4)


class QuantizedEmbedding(nn.Module):
    """Rows of 8 or 4 bits as `states_dtype`, times `embed_scale`, the model's own."""

    rows: Tensor
    scales: Tensor
    embed_scale: Tensor

    def __init__(
        self, rows: Tensor, scales: Tensor, embed_scale: Tensor, states_dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.num_embeddings, n_bytes = rows.shape
        self.bits = 8 if rows.dtype == torch.int8 else 4
        self.embedding_dim = n_bytes * 8 // self.bits
        self.states_dtype = states_dtype
        for name, tensor in (("rows", rows), ("scales", scales), ("embed_scale", embed_scale)):
            self.register_buffer(name, tensor, persistent=False)

    @classmethod
    def of(cls, source: MappedEmbedding, bits: int) -> "QuantizedEmbedding":
        """Return the rows of `source`, rounded to `bits` a number.

        `ValueError` for bits but 8 and 4, and for 4 of rows whose length is no multiple of 32.
        """
        if bits not in BITS:
            raise ValueError(f"{bits} bits a number: choose 8 or 4")
        if bits == 4 and source.embedding_dim % BLOCK:
            raise ValueError(
                f"rows of {source.embedding_dim} numbers are no multiple of {BLOCK}: take 8 bits"
            )
        rows, scales = _in_4_bits(source.weight.data) if bits == 4 else _in_8_bits(source.weight)
        return cls(rows, scales, source.embed_scale, source.states_dtype)

    @classmethod
    def read(
        cls, path: Path, shape: tuple[int, int], embed_scale: Tensor, states_dtype: torch.dtype
    ) -> "QuantizedEmbedding":
        """Return what `write` has written; `EncoderError` for another `shape` or content."""
        with safe_open(path, "pt") as file:
            if {*file.keys()} != {"rows", "scales"}:
                raise EncoderError(
                    f"{path} holds {sorted(file.keys())}, not rows and scales: fetch or save the "
                    "model again"
                )
            rows, scales = file.get_tensor("rows"), file.get_tensor("scales")
        n_rows, size = shape
        fits = {
            torch.int8: ((n_rows, size), (n_rows,)),
            torch.uint8: ((n_rows, size // 2), (n_rows, size // BLOCK)),
        }
        if fits.get(rows.dtype) != (tuple(rows.shape), tuple(scales.shape)):
            raise EncoderError(
                f"{path} has {rows.dtype} rows {list(rows.shape)} with scales "
                f"{list(scales.shape)}, not {n_rows} rows of {size} numbers in 8 or 4 bits: it is "
                "not of this model"
            )
        return cls(rows, scales, embed_scale, states_dtype)

    def write(self, folder: Path) -> None:
        """Put the file into a model folder."""
        tensors = {"rows": self.rows, "scales": self.scales}
        here = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
        part = folder / f"{EMBEDDING}.part"
        save_file(here, part)
        part.replace(folder / EMBEDDING)  # which may be the one that the rows are read from

    def _apply(
        self,
        fn: Callable[[Tensor], Tensor],
        recurse: bool = True,  # noqa: FBT001, FBT002  # torch's signature
    ) -> "QuantizedEmbedding":
        """Follow the model to another device and precision; scales keep theirs."""
        scales = self.scales
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.scales = scales.to(self.rows.device)
        self.states_dtype = fn(torch.empty(0, dtype=self.states_dtype)).dtype
        return self

    def forward(self, ids: Tensor) -> Tensor:
        """Return rows [..., state] of `ids` [...], times the model's own scale."""
        rows = (_numbers(self.rows[ids], self.scales[ids])).to(self.states_dtype)
        return rows * self.embed_scale.to(self.states_dtype)


def _in_8_bits(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return integers [row, state] and scales [row]."""
    largest = weight.abs().amax(dim=1).float()
    scales = torch.where(largest > 0, largest / LARGEST, torch.ones_like(largest))
    return torch.round(weight.float() / scales[:, None]).to(torch.int8), scales


def _in_4_bits(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return bytes [row, state / 2] and scales [row, state / 32]; a block's largest number is 0."""
    blocks = weight.float().reshape(len(weight), -1, BLOCK)
    largest = blocks.gather(2, blocks.abs().argmax(dim=2, keepdim=True))
    scales = (largest / -8).half()
    steps = torch.where(scales == 0, torch.ones_like(scales), scales).float()
    levels = (torch.round(blocks / steps) + 8).clamp(0, 15).to(torch.uint8)
    low, high = levels[:, :, : BLOCK // 2], levels[:, :, BLOCK // 2 :]
    return (low | (high << 4)).flatten(1), scales.squeeze(2)


def _numbers(rows: Tensor, scales: Tensor) -> Tensor:
    """Return numbers [..., state] in float32 of rows [..., byte] and their scales."""
    if rows.dtype == torch.int8:
        return rows.float() * scales[..., None]
    packed = rows.reshape(*scales.shape, BLOCK // 2)
    levels = torch.cat([packed & 15, packed >> 4], dim=-1).float() - 8
    return (levels * scales.float()[..., None]).flatten(-2)


@contextmanager
def rows_left_out(config: PretrainedConfig, *, if_: bool) -> Iterator[None]:
    """Have transformers make a model of `config` with hardly a row, for `take_rows` to give."""
    n_rows = config.vocab_size
    if if_:
        config.vocab_size = 1 + (config.pad_token_id or 0)
    try:
        yield
    finally:
        config.vocab_size = n_rows


def take_rows(model: PreTrainedModel, path: Path, n_rows: int) -> None:
    """Give the model the `n_rows` rows of the file in place of those that it has."""
    embedding = cast(MappedEmbedding, model.get_input_embeddings())
    shape = n_rows, embedding.embedding_dim
    scale, dtype = embedding.embed_scale, embedding.states_dtype
    model.set_input_embeddings(QuantizedEmbedding.read(path, shape, scale, dtype))
    model.config.vocab_size = n_rows


def embedding_names(model: PreTrainedModel) -> set[str]:
    """Return the name that transformers has for the weight of the token embedding."""
    embedding = model.get_input_embeddings()
    return {f"{name}.weight" for name, module in model.named_modules() if module is embedding}
