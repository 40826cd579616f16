import pytest

from splare_os.serve.limits import Limits


def test_a_limit_that_lets_nothing_through_is_refused() -> None:
    with pytest.raises(ValueError, match=r"max_texts=0: give more than 0"):
        Limits(max_texts=0)
    with pytest.raises(ValueError, match=r"timeout_s=-1: give more than 0"):
        Limits(timeout_s=-1)
    with pytest.raises(ValueError, match=r"max_wait_s=-1: give 0 or more"):
        Limits(max_wait_s=-1)
    for endless in ("nan", "inf"):
        for name in ("max_wait_s", "timeout_s"):
            with pytest.raises(ValueError, match=rf"{name}={endless}: give .*, and an end"):
                Limits(**{name: float(endless)})
    assert Limits(max_wait_s=0, max_batch_tokens=None).max_wait_s == 0
