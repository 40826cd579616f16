"""How a language model is adapted."""

from __future__ import annotations

from dataclasses import dataclass

from ...encode.backbone.precision import check_device
from ..numbers import check_numbers


@dataclass(frozen=True, slots=True)
class AdaptOptions:
    """How a language model is adapted; at most `steps` batches of `batch_tokens` tokens.

    Training ends earlier once the held-out loss, measured each `evaluate_every` steps, has not
    fallen by `min_delta` in `patience` measurements. `lora_rank` 0 trains all weights; None takes
    0 for encoders and 16 for decoders. `autocast` None uses bfloat16 where `device` multiplies it
    fast. An empty `mask_token` is the tokenizer's own, or `_`.
    """

    steps: int = 2000
    batch_tokens: int = 4096
    window: int = 256
    lr: float = 5e-4
    warmup_share: float = 0.05
    masked_share: float = 0.15
    mask_token: str = ""
    lora_rank: int | None = None
    held_out_share: float = 0.02
    held_out_texts: int = 400
    evaluate_every: int = 100
    patience: int = 3
    min_delta: float = 0.01
    autocast: bool | None = None
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values that no training can use."""
        check_numbers(
            self,
            may_be_0=("warmup_share", "lora_rank", "min_delta", "seed"),
            shares=("warmup_share", "held_out_share"),
        )
        if self.masked_share >= 1:
            raise ValueError(f"masked_share={self.masked_share!r}: give a share below 1")
        check_device(self.device)
