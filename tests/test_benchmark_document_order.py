import numpy as np
import pytest
from scipy.sparse import csr_array

from benchmarks.document_order import ORDERS, by_bisection, by_cluster, gap_bits
from splare_os.impacts import Impacts


@pytest.fixture
def topics() -> Impacts:
    """400 documents of four topics in turn, each of ten latents of its own."""
    draw = np.random.default_rng(0)
    whole = np.zeros((400, 40), np.float32)
    for row in range(400):
        own = 10 * (row % 4) + draw.choice(10, 6, replace=False)
        whole[row, own] = 1 + draw.random(6)
    return csr_array(whole)


def test_gaps_are_those_within_posting_lists() -> None:
    # latent 0 is in rows 0, 1 and 5 (gaps 1 and 4), latent 1 in row 3 alone, latent 2 in 2 and 4
    impacts = csr_array(
        np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]], np.float32)
    )
    assert gap_bits(impacts, np.arange(6)) == pytest.approx((0 + 2 + 1) / 3)
    assert gap_bits(impacts, np.array([0, 1, 5, 3, 2, 4])) == 0


@pytest.mark.parametrize("arrange", [by_cluster, by_bisection])
def test_like_documents_come_together(topics: Impacts, arrange) -> None:
    order = arrange(topics)
    assert sorted(order) == list(range(400))
    changes = np.count_nonzero(np.diff(order % 4))
    assert changes < 40  # as they are read each is followed by one of another topic
    as_read = gap_bits(topics, ORDERS["files"](topics))
    assert gap_bits(topics, order) < as_read - 1
