"""How a sparse autoencoder is trained, and the model folder that is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from ...documents.fields import Fields
from ...encode import Card
from ...encode.pooling.rule import Pooling, PoolingRule, Saturation, pooling_rule
from ...paths import StrPath
from ..options import TrainingOptions, limited
from ..work_folder import beside
from .states import StateOptions

Activation = Literal["batchtopk", "topk", "jumprelu"]
ACTIVATIONS: tuple[str, ...] = get_args(Activation)
"""sae-lens' names. BatchTopK is saved as JumpReLU with one threshold for all latents."""

PRECISIONS = ("float32", "bfloat16", "float16")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SaeJob:
    """A model folder `out` to be made over layer `layer` (from 0) of a backbone.

    `pooling` and `saturation` are how the model pools (`PoolingRule`); None: the pooling's usual
    one. `relu` makes thresholds part of the bias, and `level` scales each latent by itself, not all
    alike (`level.py`); None does so to all but TopK SAEs, which would change. `document_top_k` and
    `query_top_k` impacts are kept. `work` keeps what is needed to go on after a stop; None is `out`
    with `.work` added. `save_dtype` None keeps the backbone's own; with `embedding_bits`, 8 or 4,
    its token embedding is rounded before states are taken, and saved so.
    """

    backbone: str
    layer: int
    out: StrPath
    states: StateOptions = field(default_factory=lambda: StateOptions(held_out=20_000))
    sae: SaeOptions = field(default_factory=SaeOptions)
    fields: Fields = field(default_factory=Fields)
    max_chars: int = 100_000_000
    name: str = ""
    pooling: Pooling = "max"
    saturation: Saturation | None = None
    relu: bool | None = None
    level: bool | None = None
    document_top_k: int = Card.document_top_k
    query_top_k: int = Card.query_top_k
    save_dtype: str | None = None
    embedding_bits: int | None = None
    work: StrPath | None = None
    keep_work: bool = False
    checkpoint_steps: int = 500

    def __post_init__(self) -> None:
        """Refuse what would fail only after hours."""
        _ = self.rule
        if (self.level or self.relu) and self.sae.activation == "topk":
            what = "level=True" if self.level else "relu=True"
            raise ValueError(f"{what}: it would change which latents of a TopK SAE win")
        for name in ("max_chars", "checkpoint_steps", "document_top_k", "query_top_k"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: give a number above 0")
        if self.save_dtype not in (None, *PRECISIONS):
            choices = ", ".join(PRECISIONS)
            raise ValueError(f"save_dtype={self.save_dtype!r}: choose one of {choices}")
        if self.states.n_states < self.sae.batch_tokens:
            raise ValueError(
                f"n_states={self.states.n_states}: take at least "
                f"batch_tokens={self.sae.batch_tokens} states, one batch"
            )
        if self.states.held_out < 2:
            raise ValueError(f"held_out={self.states.held_out}: two states at least are measured")

    @property
    def rule(self) -> PoolingRule:
        """How activations of tokens become impacts."""
        return pooling_rule(self.pooling, self.saturation)

    @property
    def is_levelled(self) -> bool:
        """Whether each latent is scaled by itself."""
        return self.sae.activation != "topk" if self.level is None else self.level

    @property
    def is_relu(self) -> bool:
        """Whether an activation is what exceeds its threshold."""
        return self.sae.activation != "topk" if self.relu is None else self.relu

    @property
    def work_folder(self) -> Path:
        """Where states and checkpoints are kept."""
        return Path(self.work or beside(self.out, ".work"))

    @property
    def sae_folder(self) -> Path:
        """Where the whole SAE is saved: a model folder's fingerprint covers all weights in it."""
        return beside(self.out, ".sae")
