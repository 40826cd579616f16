"""How a sparse autoencoder is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ..options import TrainingOptions, limited

Activation = Literal["batchtopk", "topk", "jumprelu"]
ACTIVATIONS: tuple[str, ...] = get_args(Activation)
"""sae-lens' names. BatchTopK is saved as JumpReLU with one threshold for all latents."""


@dataclass(frozen=True, kw_only=True)
class SaeOptions(TrainingOptions):
    """How one SAE is trained.

    `k` active latents a token: the mean of a batch (batchtopk), of every token (topk), or what the
    loss pulls the mean to with the weight `l0_coefficient` (jumprelu, sae-lens' `target_l0`).
    `n_tokens` counts states seen, so it may exceed the states there are: passes repeat, each in a
    new order. A latent silent for `dead_window` batches gets an auxiliary loss that revives it.
    """

    activation: Activation = limited("batchtopk", choices=ACTIVATIONS)
    width: int = 8192
    k: int = 16
    l0_coefficient: float = 1.0
    dead_window: int = 300
    n_tokens: int = 1_000_000
    batch_tokens: int = 1024
    lr: float = 1e-3
    decay_share: float = limited(0.25, may_be_0=True, share=True)

    def __post_init__(self) -> None:
        """Refuse also a `k` or a batch that is more than there is."""
        super().__post_init__()
        if self.k > self.width:
            raise ValueError(f"k={self.k}: keep at most width={self.width} latents a token")
        if self.n_tokens < self.batch_tokens:
            raise ValueError(
                f"n_tokens={self.n_tokens}: give at least one batch of {self.batch_tokens}"
            )

    @property
    def n_steps(self) -> int:
        """Number of batches trained on."""
        return self.n_tokens // self.batch_tokens
