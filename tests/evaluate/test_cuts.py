import pytest

from splare_os.evaluate.cuts import Cut, check_cut, read_cut, top_k_of


@pytest.mark.parametrize(
    ("text", "cut"), [("100", 100), (" 7 ", 7), ("25%", "25%"), ("025 %", "25%")]
)
def test_a_cut_is_a_number_or_a_share(text: str, cut: Cut) -> None:
    assert read_cut(text) == cut


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "%", "25%%", "25% more", "²"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="top_k=.*: give a whole number, or a share such as 25%"):
        read_cut(text)


@pytest.mark.parametrize("cut", [0, 32768, "0%", "101%"])
def test_a_cut_that_keeps_nothing_or_too_much_is_refused(cut: Cut) -> None:
    with pytest.raises(ValueError, match=f"top_k={cut}: keep 1"):
        check_cut(cut)


def test_a_text_is_no_cut_unless_it_is_a_share() -> None:
    with pytest.raises(ValueError, match="top_k='100': give a whole number, or a share"):
        check_cut("100")


def test_a_share_is_of_the_mean_and_a_number_needs_none() -> None:
    assert top_k_of("25%", lambda: 163.9) == 41  # 40.975
    assert top_k_of("100%", lambda: 200.0) == 200
    assert top_k_of("1%", lambda: 20.0) == 1

    def mean() -> float:
        raise AssertionError

    assert top_k_of(100, mean) == 100
