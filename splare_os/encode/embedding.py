"""The token embedding of a backbone: rows are read where they lie, in the file.

A vocabulary of 256,000 rows is most of a truncated model, and a text needs a few hundred of them.
Weights loaded without conversion stay memory-mapped; only the rows looked up are converted.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class MappedEmbedding(nn.Embedding):
    """Rows of `source`'s weight, which keeps its dtype and place, as `states_dtype`."""

    def __init__(self, source: nn.Embedding, states_dtype: torch.dtype) -> None:
        shape = source.num_embeddings, source.embedding_dim
        super().__init__(*shape, source.padding_idx, _weight=source.weight.data)
        self.states_dtype = states_dtype
        self.scale: float = float(getattr(source, "embed_scale", 1.0))

    def forward(self, ids: Tensor) -> Tensor:
        """Return rows [..., state] of `ids` [...], times the model's own scale."""
        rows = functional.embedding(ids, self.weight).to(self.states_dtype)
        if self.scale == 1.0:
            return rows
        return rows * torch.tensor(self.scale, dtype=self.states_dtype)
