"""How an encoder is distilled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from ...scoring import SCORINGS, Scoring
from ..options import TrainingOptions, limited

Variant: TypeAlias = Literal["splare", "sae-splade", "splade"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
"""splare: the SAE is frozen. sae-splade: it is trained too. splade: a vocabulary head instead of an
SAE, trained too but for its words."""

MAX_TOKENS = 192
"""Where texts are cut if nothing else is said, and the window is not less."""


@dataclass(frozen=True, kw_only=True)
class DistillOptions(TrainingOptions):
    """Settings of a distillation; a step sees `batch_size` · `accumulation` pairs.

    With `relu` an SAE's thresholds become part of its bias: an activation is what exceeds the
    threshold, so that none jumps while it is trained. Student scores, dot products or `calibrated`
    by the model's prior, are divided by `temperature`, None for what fits the teacher best before
    the first step; `contrast` weighs InfoNCE beside the divergence from the teacher. Impacts
    beyond a text's heaviest `query_top_k` or `document_top_k` do not score; with
    `least_document_top_k` every batch draws its cut of documents between the two, so that the
    heaviest carry most of a score. The FLOPS terms see all impacts, and grow quadratically over
    the first `ramp` of the steps. `negatives` of each row are used beside those in the batch.
    What LoRA learnt is added with the weight `interpolation`: below 1 the model is between those of
    before and after, which may be better than both (WiSE-FT, arXiv 2109.01903).
    With `mini_batch` gradients are cached: memory holds the activations of so many texts at a
    time. Texts are cut at `max_tokens`; None is 192, or the window if that is less. `held_out`
    batches are measured on, never trained on.
    """

    variant: Variant = limited("splare", choices=VARIANTS)
    relu: bool = True
    steps: int = 1000
    batch_size: int = 48
    accumulation: int = 1
    mini_batch: int = limited(0, may_be_0=True)
    lr: float = 5e-4
    warm_up: float = limited(0.05, may_be_0=True, share=True)
    rank: int = 64
    scoring: Scoring = limited("dot", choices=SCORINGS)
    temperature: float | None = None
    contrast: float = limited(0.5, may_be_0=True)
    query_flops: float = limited(3e-4, may_be_0=True)
    document_flops: float = limited(3e-4, may_be_0=True)
    ramp: float = limited(0.33, share=True)
    interpolation: float = limited(1.0, share=True)
    query_top_k: int = 40
    document_top_k: int = 200
    least_document_top_k: int = limited(0, may_be_0=True)
    max_tokens: int | None = None
    negatives: int = limited(0, may_be_0=True)
    held_out: int = 4
    checkpoint_steps: int = 200

    def __post_init__(self) -> None:
        """Refuse also a cut that is above the largest."""
        super().__post_init__()
        if self.least_document_top_k > self.document_top_k:
            raise ValueError(
                f"least_document_top_k={self.least_document_top_k}: give at most "
                f"document_top_k={self.document_top_k}"
            )
