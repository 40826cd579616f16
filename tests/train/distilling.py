"""A toy world to distill in: words that mean topics, tiny models, and options of few steps."""

import json
import random
from pathlib import Path

import torch

from splare_os.encode import Card, SaeEncoder, SplareEncoder, load_backbone
from splare_os.train.distill.options import DistillOptions
from splare_os.train.distill.pairs import Pairs, Row, TrainingSet
from splare_os.train.distill.trainer import DistillProgress
from splare_os.train.distill.training import DistillFigures
from tests.models import WORDS, save_model

N_PAIRS = 48
OPTIONS = DistillOptions(
    steps=12,
    batch_size=6,
    lr=1e-2,
    temperature=1.0,
    rank=4,
    query_flops=1e-4,
    document_flops=1e-4,
    max_tokens=24,
    held_out=2,
    checkpoint_steps=4,
    autocast=False,
)


def toy_rows(n: int = N_PAIRS) -> list[dict[str, object]]:
    """Queries of two words and a number, answered by the documents that hold these."""
    drawn, rows = random.Random(0), []
    for number in range(n):
        one, other = drawn.sample(WORDS, 2)
        rows.append(
            {
                "query": f"{one} {other} {number}",
                "positive": f"{other} {number} {one} {' '.join(drawn.choices(WORDS, k=3))}",
                "negatives": [f"{one} {number + 1} {drawn.choice(WORDS)} {n}" for n in (7, 8)],
                "scores": [4.0, 1.0, 0.5],
            }
        )
    return rows


def save_rows(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def plain(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The rows without negatives and scores."""
    return [{key: row[key] for key in ("query", "positive")} for row in rows]


def pairs_of(*rows: Row, name: str = "toy", n: int = 9) -> Pairs:
    """Pairs over `n` queries and `n` documents with made-up texts."""
    return Pairs(name, [f"q{i}" for i in range(n)], [f"d{i}" for i in range(n)], list(rows))


def set_of(*rows: Row) -> TrainingSet:
    return TrainingSet.of([pairs_of(*rows)])


def build(
    folder: Path, family: str = "bert", *, top_k: int | None = None, threshold: float = 0.5
) -> SplareEncoder:
    """A tiny encoder of `family`, not saved; on one kind of processor always the same weights."""
    if not folder.exists():
        save_model(folder, family, layers=2)
    generator = torch.Generator().manual_seed(1)
    sae = SaeEncoder.from_tensors(
        torch.randn(64, 16, generator=generator),
        torch.zeros(64),
        torch.full((64,), 0.0 if top_k else threshold),
        top_k=top_k,
    )
    backbone = load_backbone(str(folder), n_blocks=2, window=32)
    return SplareEncoder.build(backbone, sae, Card("toy", window=32, overlap=8))


def weights(encoder: SplareEncoder) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in encoder.model.state_dict().items()}


def assert_same(one: SplareEncoder, other: SplareEncoder, *, tolerance: float = 0.0) -> None:
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], atol=tolerance, rtol=0, msg=name)


class Stop:
    """Watches a training, and interrupts it after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, progress: DistillProgress) -> None:
        if progress.step == self.step:
            raise KeyboardInterrupt


def stop_at(step: int) -> Stop:
    return Stop(step)


def total(figures: DistillFigures, when: str) -> float:
    """The loss of the held-out pairs, before or after."""
    measured = getattr(figures, when)
    return float(measured.divergence + measured.contrast)
