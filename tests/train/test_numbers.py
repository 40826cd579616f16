"""Options whose numbers no training can use."""

from dataclasses import dataclass, replace

import pytest

from splare_os.train.numbers import check_numbers


@dataclass(frozen=True)
class Options:
    steps: int = 3
    ramp: float = 0.5
    seed: int = 0
    rank: int | None = None
    relu: bool = False
    name: str = ""


def check(options: Options) -> None:
    check_numbers(options, may_be_0=("seed", "ramp"), shares=("ramp",))


@pytest.mark.parametrize("given", [{}, {"ramp": 0.0}, {"ramp": 1.0}, {"rank": 4}, {"seed": 7}])
def test_usable_numbers_pass_and_what_is_no_number_is_left_alone(given: dict[str, float]) -> None:
    check(replace(Options(), **given))  # type: ignore[arg-type]  # mypy sees one type for all


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 0}, "steps=0: give a number above 0"),
        ({"steps": float("nan")}, "steps=nan: give a number above 0"),
        ({"rank": 0}, "rank=0: give a number above 0"),
        ({"seed": -1}, "seed=-1: give a number at least 0"),
        ({"ramp": float("inf")}, "ramp=inf: give a number at least 0"),
        ({"ramp": 1.5}, r"ramp=1\.5: give a share, at most 1"),
    ],
)
def test_a_number_that_no_training_can_use_is_refused_with_its_value(
    given: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check(replace(Options(), **given))  # type: ignore[arg-type]  # mypy sees one type for all
