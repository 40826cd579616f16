"""Token states to one vector of impacts: SAE, maximum or sum over tokens, saturation.

JumpReLU and the saturation are monotone, so a maximum is taken over pre-activations and both are
applied once a text: the result is the same, and [batch, token, latent] is never held. A TopK
SAE's activation depends on the token's other latents, and comes before the maximum; every SAE's
comes before a sum.
Source: SPLARE, arXiv 2603.13277; sums: Latent Terms, arXiv 2605.29384.
"""

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from ..packing import Segments
from ..sae.sae import SaeEncoder
from ..sae.vocabulary import Transform
from ..saved import SavedModule
from .decoding import name_latents
from .gradient import trainable_maxima
from .rule import MAX_LOG1P, Pooling, PoolingRule, Saturation


def max_pool(states: Tensor, pooled: Tensor, sae: SaeEncoder) -> Tensor:
    """Return impacts [text, latent] of states [text, token, state], by maximum and log1p.

    `pooled` [text, token] is true where a token counts; a text without such a token has none.
    """
    return pool(states, pooled, sae, MAX_LOG1P)


def pool(states: Tensor, pooled: Tensor, sae: SaeEncoder, rule: PoolingRule) -> Tensor:
    """Return impacts [text, latent] of states [text, token, state], by any rule; see `max_pool`."""
    found = sae.bias.new_zeros(len(states), len(sae.bias))
    for text, (text_states, is_pooled) in enumerate(zip(states, pooled, strict=True)):
        kept = text_states[is_pooled]
        if len(kept) and sae.top_k is None and not rule.sums:
            found[text] = sae.activate(sae.pre_activations(kept).amax(dim=0))
        elif len(kept):
            found[text] = rule.pooled(sae.activate(sae.pre_activations(kept)))
    return rule.saturated(found)


class SaePooling(SavedModule):
    """A sentence-transformers module: `token_embeddings` to an impacts `sentence_embedding`.

    `unpooled_token_ids` are fed to the backbone but not pooled: the special tokens that the
    tokenizer adds, which are attention sinks without a place in the text. `transform` are the
    settings of a vocabulary head's, which states then go through first. `pooling` and `saturation`
    are those of `PoolingRule`.
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
        pooling: Pooling = "max",
        saturation: Saturation = "log1p",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.d_in, self.n_latents = d_in, n_latents
        self.unpooled_token_ids, self.top_k = unpooled_token_ids, top_k
        self.transform = transform
        self.head = nn.Identity() if transform is None else Transform(**transform)
        self.sae = SaeEncoder(d_in, n_latents, top_k=top_k)
        self.rule = PoolingRule(pooling, saturation)

    @classmethod
    def from_sae(
        cls,
        sae: SaeEncoder,
        unpooled_token_ids: list[int],
        *,
        head: Transform | None = None,
        rule: PoolingRule = MAX_LOG1P,
    ) -> "SaePooling":
        """Return a pooling over `sae`, behind the transform of a vocabulary head if any."""
        n_latents, d_in = sae.weight.shape
        settings = None if head is None else head.settings
        pooling = cls(d_in, n_latents, unpooled_token_ids, top_k=sae.top_k, transform=settings)
        pooling.sae, pooling.head, pooling.rule = sae, head or pooling.head, rule
        return pooling

    def get_config_dict(self) -> dict[str, Any]:
        """Return the settings; a rule that folders without one have is not named.

        So a model of an earlier version that is saved again keeps its fingerprint.
        """
        named = {} if self.rule == MAX_LOG1P else asdict(self.rule)
        return super().get_config_dict() | named

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
        if self.training and self.top_k is None and not self.rule.sums:
            segments = Segments(tuple(pooled.sum(dim=1).tolist()))
            impacts = self.rule.saturated(trainable_maxima(states[pooled], segments, self.sae))
        else:
            impacts = pool(states, pooled, self.sae, self.rule)
        features["sentence_embedding"] = impacts
        return features


name_latents(SaePooling)
