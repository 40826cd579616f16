import pytest

from splare_os.cli.printable import printable


@pytest.mark.parametrize("steering", ["\x00", "\x07", "\x1b", "\x7f", "\x9b", "\u202e", "\u2067"])
def test_what_steers_a_terminal_or_turns_a_line_is_left_out(steering: str) -> None:
    assert printable(f"a{steering}b") == "ab"


def test_of_a_long_text_the_beginning_is_shown() -> None:
    assert printable("u" * 2**20, 3) == "uu…"
    assert printable("uuu", 3) == "uuu"
    assert printable("שלום, 日本 — ok") == "שלום, 日本 — ok"
