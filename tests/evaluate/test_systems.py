import pytest

from splare_os.evaluate.systems import choose


def test_systems_are_all_four_unless_named() -> None:
    assert choose((), "mini") == ("bm25", "dense", "mini", "hybrid")
    assert choose(("hybrid", "bm25", "hybrid"), "mini") == ("hybrid", "bm25")
    with pytest.raises(ValueError, match="'splade': choose from bm25, dense, mini, hybrid"):
        choose(("splade",), "mini")
    with pytest.raises(ValueError, match="the model is named 'dense' as a baseline is"):
        choose((), "dense")
