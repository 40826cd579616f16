import numpy as np
import pytest

from splare_os.search.labels.predicting import predictions, roc_areas

TEXTS = [{"oil", "price"}, {"oil"}, {"oil", "war"}, {"oil", "river"}, {"oil"}, *[{"river"}] * 5]
OIL = np.array([True] * 5 + [False] * 5)


def test_a_label_that_predicts_scores_one_and_others_are_the_baseline() -> None:
    shown = np.stack([OIL, ~OIL, ~OIL], axis=1)
    found = predictions([{"oil"}, {"river"}, {"crisis"}], [7, 8, 9], TEXTS, shown)
    assert [one.score for one in found] == [1.0, 0.9, 0.5]
    # latent 7 by "river": five pairs of 25 are ties; by "crisis": all are
    assert found[0].baseline == pytest.approx((0.1 + 0.5) / 2)
    assert found[1].baseline == pytest.approx((0.0 + 0.5) / 2)
    assert [one.shown for one in found] == [5, 5, 5]


def test_other_labels_of_the_same_latent_are_no_baseline() -> None:
    shown = np.stack([OIL, OIL, ~OIL], axis=1)
    found = predictions([{"oil"}, {"war"}, {"crisis"}], [7, 7, 8], TEXTS, shown)
    assert [one.baseline for one in found[:2]] == [0.5, 0.5]


@pytest.mark.parametrize("n_shown", [4, 6])
def test_with_four_texts_on_a_side_nothing_is_measured(n_shown: int) -> None:
    shown = np.arange(10)[:, None] < n_shown
    (found,) = predictions([{"oil"}], [7], TEXTS, shown)
    assert (found.score, found.baseline, found.shown) == (None, None, n_shown)


def test_a_single_label_has_no_baseline() -> None:
    (found,) = predictions([{"oil"}], [7], TEXTS, OIL[:, None])
    assert (found.score, found.baseline) == (1.0, None)


def test_areas_are_shares_of_pairs() -> None:
    rng = np.random.default_rng(0)
    scores, shown = rng.integers(0, 4, (40, 3)).astype(float), rng.random((40, 2)) < 0.3
    for column in range(2):
        yes, no = scores[shown[:, column]], scores[~shown[:, column]]
        pairs = yes[:, None, :] - no[None, :, :]
        wanted = (np.sign(pairs) + 1).mean(axis=(0, 1)) / 2
        assert roc_areas(scores, shown)[:, column] == pytest.approx(wanted)


def test_where_all_show_a_latent_there_is_nothing_to_tell() -> None:
    assert roc_areas(np.array([[1.0], [2.0]]), np.array([[True], [True]])).tolist() == [[0.5]]
    assert roc_areas(np.zeros((0, 1)), np.zeros((0, 2), dtype=bool)).tolist() == [[0.5, 0.5]]
