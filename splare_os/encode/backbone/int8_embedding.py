"""A token embedding in 8 bits a number with a scale a row, in a file of its own.

A row's numbers are its integers times its scale, at most 1/254 of its largest number away. Rows
are read where they lie in the file; only those that are looked up become numbers.
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

INT8_EMBEDDING = "embedding.safetensors"
"""In a model folder, beside the weights: `rows` int8 [row, state] and `scales` float32 [row]."""
LARGEST = 127


class Int8Embedding(nn.Module):
    """Rows of 8 bits as `states_dtype`, times `embed_scale`, the model's own."""

    rows: Tensor
    scales: Tensor
    embed_scale: Tensor

    def __init__(
        self, rows: Tensor, scales: Tensor, embed_scale: Tensor, states_dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = rows.shape
        self.states_dtype = states_dtype
        for name, tensor in (("rows", rows), ("scales", scales), ("embed_scale", embed_scale)):
            self.register_buffer(name, tensor, persistent=False)

    @classmethod
    def of(cls, source: MappedEmbedding) -> "Int8Embedding":
        """Return the rows of `source`, rounded."""
        weight = source.weight.data
        largest = weight.abs().amax(dim=1).float()
        scales = torch.where(largest > 0, largest / LARGEST, torch.ones_like(largest))
        rows = torch.round(weight.float() / scales[:, None]).to(torch.int8)
        return cls(rows, scales, source.embed_scale, source.states_dtype)

    @classmethod
    def read(
        cls, path: Path, shape: tuple[int, int], embed_scale: Tensor, states_dtype: torch.dtype
    ) -> "Int8Embedding":
        """Return what `write` has written; `EncoderError` for another `shape` or content."""
        with safe_open(path, "pt") as file:
            if {*file.keys()} != {"rows", "scales"}:
                raise EncoderError(
                    f"{path} holds {sorted(file.keys())}, not rows and scales: fetch or save the "
                    "model again"
                )
            rows, scales = file.get_tensor("rows"), file.get_tensor("scales")
        if rows.dtype != torch.int8 or rows.shape != shape or scales.shape != shape[:1]:
            raise EncoderError(
                f"{path} has {rows.dtype} rows {list(rows.shape)} with scales "
                f"{list(scales.shape)}, not int8 rows {list(shape)} with a scale each: it is not "
                "of this model"
            )
        return cls(rows, scales.float(), embed_scale, states_dtype)

    def write(self, folder: Path) -> None:
        """Put the file into a model folder."""
        tensors = {"rows": self.rows, "scales": self.scales}
        here = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
        part = folder / f"{INT8_EMBEDDING}.part"
        save_file(here, part)
        part.replace(folder / INT8_EMBEDDING)  # which may be the one that the rows are read from

    def _apply(
        self,
        fn: Callable[[Tensor], Tensor],
        recurse: bool = True,  # noqa: FBT001, FBT002  # torch's signature
    ) -> "Int8Embedding":
        """Follow the model to another device and precision; scales keep theirs."""
        scales = self.scales
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.scales = scales.to(self.rows.device)
        self.states_dtype = fn(torch.empty(0, dtype=self.states_dtype)).dtype
        return self

    def forward(self, ids: Tensor) -> Tensor:
        """Return rows [..., state] of `ids` [...], times the model's own scale."""
        rows = (self.rows[ids].float() * self.scales[ids][..., None]).to(self.states_dtype)
        return rows * self.embed_scale.to(self.states_dtype)


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
    model.set_input_embeddings(Int8Embedding.read(path, shape, scale, dtype))
    model.config.vocab_size = n_rows


def embedding_names(model: PreTrainedModel) -> set[str]:
    """Return the name that transformers has for the weight of the token embedding."""
    embedding = model.get_input_embeddings()
    return {f"{name}.weight" for name, module in model.named_modules() if module is embedding}
