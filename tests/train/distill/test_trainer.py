from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sentence_transformers import SparseEncoderTrainingArguments

from splare_os.train.distill import training as module
from splare_os.train.distill.losses import Teacher
from splare_os.train.distill.pairs import TrainingSet
from splare_os.train.distill.schedule import Schedule
from splare_os.train.distill.trainer import arguments
from splare_os.train.distill.training import distill
from tests.train.distilling import OPTIONS, assert_same, build, weights

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore"),  # their trainer's own
]


def test_a_step_over_two_batches_is_the_mean_of_a_step_over_each(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one step of plain gradient descent LoRA learns nothing but its second factors."""

    def descent(*args: object) -> SparseEncoderTrainingArguments:
        changed = arguments(*args)
        changed.optim, changed.max_grad_norm = "sgd", 0.0
        return changed

    monkeypatch.setattr(module, "arguments", descent)
    options = replace(OPTIONS, steps=1, accumulation=2, query_flops=0.0, document_flops=0.0)
    drawn, learnt = Schedule.draw(data, options), []
    for n, batches in enumerate((drawn.trained, drawn.trained[:1], drawn.trained[1:])):
        planned = Schedule(batches, drawn.held_out)
        monkeypatch.setattr(Schedule, "draw", lambda *_, planned=planned: planned)
        encoder, chosen = build(bert), replace(options, accumulation=len(batches))
        distill(encoder, data, teacher, chosen, work=tmp_path / str(n))
        found = weights(encoder).items()
        learnt.append(torch.cat([value.flatten() for name, value in found if "lora_B" in name]))
    both, first, second = learnt
    torch.testing.assert_close(both, (first + second) / 2, atol=1e-7, rtol=1e-3)
    assert float((first - second).abs().max()) > 0.1 * float(both.abs().max()) > 0


def test_several_gpus_change_nothing(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path, two_gpus: pytest.MonkeyPatch
) -> None:
    encoders = build(bert), build(bert)
    first = distill(encoders[0], data, teacher, OPTIONS, work=tmp_path / "two")
    two_gpus.undo()
    assert distill(encoders[1], data, teacher, OPTIONS, work=tmp_path / "one") == first
    assert_same(*encoders)


def test_gradient_caching_changes_memory_not_weights(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    encoders = build(bert), build(bert)
    for encoder, size in zip(encoders, (0, 4), strict=True):
        options = replace(OPTIONS, negatives=2, mini_batch=size, lr=1e-3)
        distill(encoder, data, teacher, options, work=tmp_path / str(size))
    assert_same(*encoders, tolerance=1e-5)
