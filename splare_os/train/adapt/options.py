"""How a language model is adapted."""

from __future__ import annotations

from dataclasses import dataclass

from ..options import TrainingOptions, limited


@dataclass(frozen=True, kw_only=True)
class AdaptOptions(TrainingOptions):
    """How a language model is adapted; at most `steps` batches of `batch_tokens` tokens.

    Training ends earlier once the held-out loss, measured each `evaluate_every` steps, has not
    fallen by `min_delta` in `patience` measurements. `lora_rank` 0 trains all weights; None takes
    0 for encoders and 16 for decoders. An empty `mask_token` is the tokenizer's own, or `_`.
    """

    steps: int = 2000
    batch_tokens: int = 4096
    window: int = 256
    lr: float = 5e-4
    warmup_share: float = limited(0.05, may_be_0=True, share=True)
    masked_share: float = 0.15
    mask_token: str = ""
    lora_rank: int | None = limited(None, may_be_0=True)
    held_out_share: float = limited(0.02, share=True)
    held_out_texts: int = 400
    evaluate_every: int = 100
    patience: int = 3
    min_delta: float = limited(0.01, may_be_0=True)

    def __post_init__(self) -> None:
        """Refuse also texts of masks alone."""
        super().__post_init__()
        if self.masked_share >= 1:
            raise ValueError(f"masked_share={self.masked_share!r}: give a share below 1")
