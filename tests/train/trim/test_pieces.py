import numpy as np
import pytest

from splare_os.train.trim.pieces import SCRIPTS, choose_pieces, is_of

PIECES = [
    ("<s>", 0.0),
    ("<unk>", 0.0),
    ("▁", -2.0),
    ("a", -3.0),
    ("▁the", -4.0),
    ("▁oil", -9.0),
    ("ស្រី", -5.0),
    ("▁rare", -9.5),
    ("东京", -8.0),
    ("ស", -7.0),
    ("▁last", -20.0),
]
MUST = [0, 1, 2, 3, 9, 10]  # special ones, one character, the lowest score


def chosen(n_rows: int, **seen: int) -> list[int]:
    counts = np.array([seen.get(text.strip("▁"), 0) for text, _ in PIECES])
    return choose_pieces(PIECES, counts, needed=[0, 1], n_rows=n_rows).tolist()


def test_special_tokens_single_characters_and_the_lowest_score_stay() -> None:
    assert chosen(6, oil=5, rare=9) == MUST


def test_texts_and_tokenizer_count_alike() -> None:
    # by the tokenizer: the 0.9713, 东京 0.0178, oil 0.0065, rare 0.0040; seen: rare 9 of 14, oil 5
    assert chosen(7, oil=5, rare=9) == sorted([*MUST, 4])
    assert chosen(8, oil=5, rare=9) == sorted([*MUST, 4, 7])
    assert chosen(9, oil=5, rare=9) == sorted([*MUST, 4, 7, 5])
    assert chosen(10, oil=5, rare=9) == sorted([*MUST, 4, 7, 5, 8])


def test_without_texts_the_tokenizer_decides_among_known_scripts() -> None:
    assert chosen(8) == sorted([*MUST, 4, 8])
    assert chosen(99) == [0, 1, 2, 3, 4, 5, 7, 8, 9, 10]  # not the Khmer word


def test_a_seen_piece_of_another_script_is_kept() -> None:
    assert 6 in choose_pieces(PIECES, np.eye(11, dtype=int)[6], needed=[0], n_rows=7).tolist()


def test_too_few_rows_for_those_that_must_stay_are_refused() -> None:
    with pytest.raises(ValueError, match="n_rows=5: special tokens .* are 6 already"):
        chosen(5)


def test_digits_and_marks_belong_to_every_script() -> None:
    assert is_of("▁2,000", SCRIPTS)
    assert is_of("हिन्दी", SCRIPTS)
    assert not is_of("ខ្មែរ", SCRIPTS)
