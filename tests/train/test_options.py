"""Options whose values no training can use."""

from dataclasses import FrozenInstanceError, dataclass

import pytest
import torch

from splare_os.errors import EncoderError
from splare_os.train.options import Options, TrainingOptions, limited


@dataclass(frozen=True, kw_only=True)
class Some(Options):
    kind: str = limited("fine", choices=("fine", "coarse"))
    steps: int = 3
    ramp: float = limited(0.5, may_be_0=True, share=True)
    skip: int = limited(0, may_be_0=True)
    rank: int | None = None
    relu: bool = False
    name: str = ""


@pytest.mark.parametrize(
    "given", [{}, {"ramp": 0.0}, {"ramp": 1.0}, {"rank": 4}, {"skip": 7}, {"kind": "coarse"}]
)
def test_usable_values_pass_and_what_is_no_number_is_left_alone(given: dict[str, float]) -> None:
    Some(**given)  # type: ignore[arg-type]  # mypy sees one type for all


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "odd"}, "kind='odd': choose one of fine, coarse"),
        ({"steps": 0}, "steps=0: give a number above 0"),
        ({"steps": float("nan")}, "steps=nan: give a number above 0"),
        ({"rank": 0}, "rank=0: give a number above 0"),
        ({"skip": -1}, "skip=-1: give a number at least 0"),
        ({"ramp": float("inf")}, "ramp=inf: give a number at least 0"),
        ({"ramp": 1.5}, r"ramp=1\.5: give a share, at most 1"),
    ],
)
def test_a_value_that_no_training_can_use_is_refused_with_what_is_allowed(
    given: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Some(**given)  # type: ignore[arg-type]  # mypy sees one type for all


def test_a_limited_field_has_its_default_and_stays_frozen() -> None:
    options = Some()
    assert (options.kind, options.ramp) == ("fine", 0.5)
    with pytest.raises(FrozenInstanceError):
        options.ramp = 0.1  # type: ignore[misc]


def test_a_device_that_is_none_and_a_seed_below_0_are_refused() -> None:
    with pytest.raises(ValueError, match="device='abacus': choose one such as cpu"):
        TrainingOptions(device="abacus")
    with pytest.raises(ValueError, match="seed=-1: give a number at least 0"):
        TrainingOptions(seed=-1)


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EncoderError, match="torch finds no GPU"):
        TrainingOptions(device="cuda")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_products_are_in_bfloat16_where_that_is_fast_unless_told_otherwise(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splare_os.train.options.best_dtype", lambda _: dtype)
    assert TrainingOptions().autocasts is (dtype is torch.bfloat16)
    for told in (True, False):
        assert TrainingOptions(autocast=told).autocasts is told
