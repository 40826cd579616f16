import pytest

from splare_os.train.distill.options import DistillOptions


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variant": "csr"}, "variant='csr': choose one of splare, sae-splade, splade"),
        ({"steps": 0}, "steps=0: give a number above 0"),
        ({"lr": float("nan")}, "lr=nan: give a number above 0"),
        ({"lr": float("inf")}, "lr=inf"),
        ({"contrast": -1.0}, r"contrast=-1\.0: give a number at least 0"),
        ({"ramp": 1.5}, r"ramp=1\.5: give a share, at most 1"),
        ({"warm_up": 2.0}, r"warm_up=2\.0: give a share"),
        ({"interpolation": 0.0}, r"interpolation=0\.0: give a number above 0"),
        ({"temperature": 0.0}, r"temperature=0\.0: give a number above 0"),
        ({"held_out": 0}, "held_out=0"),
        ({"device": "abacus"}, "device='abacus'"),
    ],
)
def test_options_that_no_training_can_use_are_refused(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        DistillOptions(**change)  # type: ignore[arg-type]
