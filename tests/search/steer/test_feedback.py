import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.impacts import Impacts, empty
from splare_os.search import Feedback

QUERY = csr_array(np.array([[3.0, 4.0, 0.0, 0.0]], dtype=np.float32))
LIKED = csr_array(np.array([[0.0, 0.0, 2.0, 0.0], [3.0, 0.0, 4.0, 0.0]], dtype=np.float32))
DISLIKED = csr_array(np.array([[0.0, 5.0, 0.0, 0.0]], dtype=np.float32))
NONE = empty(0, 4)


def moved(feedback: Feedback, query: Impacts, liked: Impacts, disliked: Impacts) -> Any:
    return feedback.of(query, liked, disliked).toarray()[0]


def test_rocchio_adds_the_mean_of_the_liked_and_takes_off_that_of_the_others() -> None:
    """Unit vectors: (.6, .8, 0), liked mean (.3, 0, .9), disliked (0, 1, 0)."""
    found = moved(Feedback(alpha=1.0, beta=0.5, gamma=0.2), QUERY, LIKED, DISLIKED)
    plain = np.array([0.6 + 0.15, 0.8 - 0.2, 0.45, 0.0])
    assert found == pytest.approx(plain / np.linalg.norm(plain) * 5.0, rel=1e-6)


def test_defaults_are_those_that_the_page_tells() -> None:
    page = (Path(__file__).parents[3] / "docs" / "steering.md").read_text(encoding="utf-8")
    told = asdict(Feedback()) | {"beta": Feedback().own_beta}
    for name, value in told.items():
        assert f'"{name}": {json.dumps(value)}' in page
    assert Feedback("contrast").own_beta == 0.75
    assert "by `contrast` 0.75" in page


def test_negative_weights_are_cut() -> None:
    found = moved(Feedback(alpha=1.0, beta=0.0, gamma=2.0), QUERY, LIKED, DISLIKED)
    assert found.tolist() == [5.0, 0.0, 0.0, 0.0]


def test_a_query_that_is_taken_off_whole_has_no_weights() -> None:
    found = Feedback(alpha=0.5, gamma=1.0).of(QUERY, NONE, QUERY)
    assert found.nnz == 0


def test_without_examples_a_query_stays() -> None:
    assert moved(Feedback(), QUERY, NONE, NONE) == pytest.approx([3.0, 4.0, 0.0, 0.0])


def test_without_a_query_the_liked_documents_are_one_as_long_as_they_are() -> None:
    found = moved(Feedback(), empty(1, 4), LIKED, NONE)
    length = (2.0 + 5.0) / 2
    assert found == pytest.approx(
        np.array([0.3, 0.0, 0.9, 0.0]) / math.hypot(0.3, 0.9) * length, rel=1e-6
    )


def test_the_heaviest_latents_stay() -> None:
    assert Feedback(top_k=2).of(QUERY, LIKED, NONE).nnz == 2


def test_a_contrast_takes_the_latents_that_tell_both_sets_apart() -> None:
    """Log-odds: latent 0 is in one of two and none of one, 2 in both and none of one."""
    liked = csr_array(np.array([[0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0]], dtype=np.float32))
    disliked = csr_array(np.array([[0.0, 7.0, 0.0, 7.0]], dtype=np.float32))
    found = moved(Feedback("contrast", alpha=0.0), empty(1, 4), liked, disliked)
    mean = np.array([1 / 3**0.5, 1 / 2**0.5 + 1 / 3**0.5, 1 / 2**0.5 + 1 / 3**0.5, 0]) / 2
    odds = np.array([0 - math.log(1 / 3), math.log(5) - math.log(3), math.log(5 * 3), 0.0])
    assert found / np.linalg.norm(found) == pytest.approx(
        mean * odds / np.linalg.norm(mean * odds), rel=1e-6
    )


def test_what_both_sets_share_alike_a_contrast_leaves_out() -> None:
    one = csr_array(np.array([[0.0, 1.0, 1.0, 0.0]], dtype=np.float32))
    other = csr_array(np.array([[0.0, 9.0, 0.0, 0.0]], dtype=np.float32))
    found = moved(Feedback("contrast"), empty(1, 4), one, other)
    assert np.flatnonzero(found).tolist() == [2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "bayes"}, "method='bayes': choose one of rocchio, contrast"),
        ({"beta": -1.0}, "beta=-1.0: give a number of at least 0"),
        ({"alpha": 10**400}, "alpha=10+: give a number of at least 0"),
        ({"gamma": float("inf")}, "gamma=inf"),
        ({"alpha": float("nan")}, "alpha=nan"),
        ({"alpha": True}, "alpha=True"),
        ({"top_k": 0}, "top_k=0: give a number of latents"),
        ({"top_k": 2.0}, "top_k=2.0: give a number of latents"),
    ],
)
def test_options_that_move_nothing_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Feedback(**options)


def test_one_query_is_moved_at_a_time() -> None:
    with pytest.raises(ValueError, match="query has 2 rows: move one at a time"):
        Feedback().of(LIKED, LIKED, NONE)
