"""An SAE over whole sentence embeddings: a vector to latents, and changed latents to a vector.

Source: Interpret and Control Dense Retrieval with Sparse Latent Features, arXiv 2411.00786; CSR,
arXiv 2503.01776.
"""

from typing import Any

import torch
from torch import Tensor, nn

from .sae.sae import SaeEncoder
from .saved import SavedModule


class EmbeddingSae(SavedModule):
    """A sentence-transformers module: `sentence_embedding` [text, state] to impacts [text, latent].

    An impact is the latent's activation. `decoder` [latent, state] says which direction of the
    embedding a latent stands for.
    """

    __module__ = "splare_os.encode"  # what model folders call it, see modules.py

    config_keys: list[str] = ["d_in", "n_latents", "top_k"]

    def __init__(self, d_in: int, n_latents: int, *, top_k: int | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.d_in, self.n_latents, self.top_k = d_in, n_latents, top_k
        self.sae = SaeEncoder(d_in, n_latents, top_k=top_k)
        self.decoder = nn.Parameter(torch.zeros(n_latents, d_in), requires_grad=False)

    @classmethod
    def of(cls, sae: SaeEncoder, decoder: Tensor) -> "EmbeddingSae":
        """Return a module that holds an encoder half and these decoder rows; shapes must agree."""
        n_latents, d_in = sae.weight.shape
        if decoder.shape != sae.weight.shape:
            raise ValueError(
                f"decoder has shape {list(decoder.shape)}, expected [latent, state] = "
                f"[{n_latents}, {d_in}], as the encoder's weight"
            )
        module = cls(d_in, n_latents, top_k=sae.top_k)
        module.sae = sae
        module.decoder.data.copy_(decoder)
        return module

    def to(self, *args: Any, **kwargs: Any) -> "EmbeddingSae":  # noqa: ANN401  # torch's signature
        """Move to a device, and keep the precision: a threshold must not be rounded."""
        device = torch._C._nn._parse_to(*args, **kwargs)[0]
        return self if device is None else super().to(device)

    def activations(self, vectors: Tensor) -> Tensor:
        """Return activations ≥ 0 [text, latent] of embeddings [text, state]."""
        return self.sae.activate(self.sae.pre_activations(vectors.float()))

    def moved(self, vectors: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Return embeddings [text, state] whose activations were `before`, made to have `after`.

        What the SAE does not see of a vector stays, and so does its length.
        """
        moved = vectors.float() + (after - before) @ self.decoder
        lengths = moved.norm(dim=1, keepdim=True).clamp_min(torch.finfo(moved.dtype).tiny)
        kept: Tensor = moved / lengths * vectors.float().norm(dim=1, keepdim=True)
        return kept

    def forward(self, features: dict[str, Tensor], **_: Any) -> dict[str, Tensor]:  # noqa: ANN401
        """Return `features`, its `sentence_embedding` [text, latent] now of impacts."""
        features["sentence_embedding"] = self.activations(features["sentence_embedding"])
        return features
