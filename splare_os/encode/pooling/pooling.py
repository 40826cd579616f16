"""Token states to one vector of impacts: SAE, log saturation, max pooling over tokens.

JumpReLU and log1p are monotone, so the maximum is taken over pre-activations and both are
applied once a text: the result is the same, and [batch, token, latent] is never held. A TopK
SAE's activation depends on the token's other latents, and comes before the maximum.
Source: SPLARE, arXiv 2603.13277.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ..packing import Segments
from ..sae.sae import SaeEncoder
from ..sae.vocabulary import Transform
from ..saved import SavedModule
from .decoding import name_latents
from .gradient import trainable_maxima


def max_pool(states: Tensor, pooled: Tensor, sae: SaeEncoder) -> Tensor:
    """Return impacts [text, latent] of states [text, token, state].

    `pooled` [text, token] is true where a token counts; a text without such a token has none.
    """
    maxima = sae.bias.new_zeros(len(states), len(sae.bias))
    for text, (text_states, is_pooled) in enumerate(zip(states, pooled, strict=True)):
        kept = text_states[is_pooled]
        if len(kept) and sae.top_k is None:
            maxima[text] = sae.activate(sae.pre_activations(kept).amax(dim=0))
        elif len(kept):
            maxima[text] = sae.activate(sae.pre_activations(kept)).amax(dim=0)
    return maxima.log1p_()


class SaePooling(SavedModule):
    """A sentence-transformers module: `token_embeddings` to an impacts `sentence_embedding`.

    `unpooled_token_ids` are fed to the backbone but not pooled: the special tokens that the
    tokenizer adds, which are attention sinks without a place in the text. `transform` are the
    settings of a vocabulary head's, which states then go through first.
    """

    __module__ = "splare_os.encode"  # what model folders call it, see modules.py

    config_keys: list[str] = ["d_in", "n_latents", "unpooled_token_ids", "top_k", "transform"]

    def __init__(
        self,
        d_in: int,
        n_latents: int,
        unpooled_token_ids: list[int],
        *,
        top_k: int | None = None,
        transform: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.d_in, self.n_latents = d_in, n_latents
        self.unpooled_token_ids, self.top_k = unpooled_token_ids, top_k
        self.transform = transform
        self.head = nn.Identity() if transform is None else Transform(**transform)
        self.sae = SaeEncoder(d_in, n_latents, top_k=top_k)

    @classmethod
    def from_sae(
        cls, sae: SaeEncoder, unpooled_token_ids: list[int], *, head: Transform | None = None
    ) -> "SaePooling":
        """Return a pooling over `sae`, behind the transform of a vocabulary head if any."""
        n_latents, d_in = sae.weight.shape
        settings = None if head is None else head.settings
        pooling = cls(d_in, n_latents, unpooled_token_ids, top_k=sae.top_k, transform=settings)
        pooling.sae, pooling.head = sae, head or pooling.head
        return pooling

    def to(self, *args: Any, **kwargs: Any) -> "SaePooling":  # noqa: ANN401  # torch's signature
        """Move to a device, and keep the precision: sentence-transformers would round θ."""
        device = torch._C._nn._parse_to(*args, **kwargs)[0]
        return self if device is None else super().to(device)

    def pooled_mask(self, features: dict[str, Tensor]) -> Tensor:
        """Return [text, token], true where a token is neither padding nor unpooled."""
        ids = features["input_ids"]
        unpooled = torch.tensor(self.unpooled_token_ids, device=ids.device, dtype=ids.dtype)
        return features["attention_mask"].bool() & ~torch.isin(ids, unpooled)

    def forward(self, features: dict[str, Tensor], **_: Any) -> dict[str, Tensor]:  # noqa: ANN401
        """Return `features` with `sentence_embedding` [text, latent] added."""
        states, pooled = self.head(features["token_embeddings"]), self.pooled_mask(features)
        if self.training and self.top_k is None:
            segments = Segments(tuple(pooled.sum(dim=1).tolist()))
            impacts = trainable_maxima(states[pooled], segments, self.sae).log1p()
        else:
            impacts = max_pool(states, pooled, self.sae)
        features["sentence_embedding"] = impacts
        return features


name_latents(SaePooling)
