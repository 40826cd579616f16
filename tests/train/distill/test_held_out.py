from dataclasses import asdict, replace
from pathlib import Path

import pytest

from splare_os.train.distill.held_out import held_out
from splare_os.train.distill.losses import DistillationLoss, Teacher
from splare_os.train.distill.pairs import TrainingSet
from splare_os.train.distill.schedule import Schedule
from tests.train.distilling import OPTIONS, build

pytestmark = pytest.mark.usefixtures("one_thread")


def test_what_is_measured_in_parts_is_the_same(
    data: TrainingSet, teacher: Teacher, bert: Path
) -> None:
    encoder, places = build(bert), Schedule.draw(data, OPTIONS).held_out
    asked: list[int] = []
    encoder.model.register_forward_pre_hook(
        lambda _, given: asked.append(len(given[0]["input_ids"]))
    )
    goal = DistillationLoss(data, teacher, temperature=1.0, contrast=0.5)
    whole, parts = (
        held_out(encoder, goal, places, replace(OPTIONS, mini_batch=size)) for size in (0, 4)
    )
    assert asked == [6, 6] * 2 + [4, 2, 4, 2] * 2
    assert asdict(parts) == pytest.approx(asdict(whole), rel=1e-5)
