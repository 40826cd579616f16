import numpy as np

from benchmarks.rules import best, fused, rescored

WORDS = np.array([[3.0, 2.0, 1.0, 0.0]], np.float32)
LATENTS = np.array([[0.0, 2.0, 0.5, 9.0]], np.float32)


def test_only_what_is_found_is_among_the_best() -> None:
    assert list(best(WORDS[0], 10)) == [0, 1, 2]
    assert list(best(WORDS[0], 2)) == [0, 1]


def test_a_rescore_orders_what_words_have_found() -> None:
    assert list(rescored(WORDS, LATENTS, 1.0)) == [[1, 0, 2]]
    assert list(rescored(WORDS, LATENTS, 0.1)) == [[0, 1, 2]]


def test_fusion_adds_what_latents_have_found() -> None:
    # ranks 1, 2, 3 by words; 3, 1, 2 by latents
    assert list(fused(WORDS, LATENTS)) == [[1, 2, 0, 3]]
