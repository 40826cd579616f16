from dataclasses import replace
from pathlib import Path

import pytest

from splare_os.train.distill.losses import Teacher
from splare_os.train.distill.pairs import TrainingSet
from splare_os.train.distill.training import distill
from tests.train.distilling import OPTIONS, build, stop_at, total

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore"),  # their trainer's own
]


def test_a_temperature_that_nobody_gives_fits_best_before_the_first_step(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    fitted = replace(OPTIONS, temperature=None)
    figures = distill(build(bert), data, teacher, fitted, work=tmp_path / "fitted")
    with pytest.raises(KeyboardInterrupt):
        distill(build(bert), data, teacher, fitted, work=tmp_path / "stopped", watch=stop_at(7))
    assert distill(build(bert), data, teacher, fitted, work=tmp_path / "stopped") == figures
    for factor in (0.8, 1.25):
        other = replace(OPTIONS, temperature=factor * figures.temperature)
        there = distill(build(bert), data, teacher, other, work=tmp_path / str(factor))
        assert there.temperature == other.temperature
        assert total(there, "before") > total(figures, "before")
