"""The token embedding of a backbone: rows are read where they lie, in the file.

A vocabulary of 256,000 rows is most of a truncated model, and a text needs a few hundred of them.
Weights loaded without conversion stay memory-mapped; only the rows looked up are converted.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


class MappedEmbedding(nn.Embedding):
    """Rows of `source`'s weight, which keeps its dtype and place, as `states_dtype`."""

    embed_scale: Tensor

    def __init__(self, source: nn.Embedding, states_dtype: torch.dtype) -> None:
        shape = source.num_embeddings, source.embedding_dim
        super().__init__(*shape, source.padding_idx, _weight=source.weight.data)
        self.states_dtype = states_dtype
        scale = getattr(source, "embed_scale", 1.0)
        scale = getattr(source, "scalar_embed_scale", scale)  # theirs is rounded as it is loaded
        scale = torch.as_tensor(scale, dtype=torch.float32)
        self.register_buffer("embed_scale", scale, persistent=False)

    def _apply(
        self,
        fn: Callable[[Tensor], Tensor],
        recurse: bool = True,  # noqa: FBT001, FBT002  # torch's signature
    ) -> "MappedEmbedding":
        """Follow the model to another precision."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.states_dtype = fn(torch.empty(0, dtype=self.states_dtype)).dtype
        return self

    def forward(self, ids: Tensor) -> Tensor:
        """Return rows [..., state] of `ids` [...], times the model's own scale."""
        rows = functional.embedding(ids, self.weight).to(self.states_dtype)
        return rows * self.embed_scale.to(self.states_dtype)
