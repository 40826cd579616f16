import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.impacts import Impacts
from splare_os.scoring import Saturation, weighed


def impacts(*rows: list[float]) -> Impacts:
    return csr_array(np.array(rows, dtype=np.float32))


def test_an_impact_saturates_and_counts_less_in_a_long_document() -> None:
    rows = impacts([1.0, 0.0, 3.0], [2.0, 0.0, 0.0])
    made = Saturation(k1=2.0, b=0.4, mean_length=2.0).of(rows).toarray()
    long, mean = 2 * (0.6 + 0.4 * 4 / 2), 2 * (0.6 + 0.4 * 2 / 2)
    assert made[0].tolist() == pytest.approx([3 / (1 + long), 0, 9 / (3 + long)])
    assert made[1].tolist() == pytest.approx([6 / (2 + mean), 0, 0])


def test_without_b_it_is_the_saturation_of_opensearch() -> None:
    x = np.array([0.1, 1.0, 7.0])
    made = Saturation(k1=2.0).of(impacts(x.tolist())).toarray()[0]
    assert made.tolist() == pytest.approx((3 * x / (x + 2)).tolist())


def test_the_order_of_a_documents_impacts_stays() -> None:
    rng = np.random.default_rng(0)
    rows = csr_array(rng.gamma(1, 1, (20, 50)).astype(np.float32))
    made = Saturation(k1=2.0, b=0.7, mean_length=30.0).of(rows)
    assert (np.argsort(made.toarray()) == np.argsort(rows.toarray())).all()
    assert made.dtype == np.float32
    assert made.indices.tolist() == rows.indices.tolist()


def test_a_document_without_impacts_has_none() -> None:
    assert Saturation(k1=2.0, b=0.4, mean_length=5.0).of(impacts([0.0, 0.0])).nnz == 0


@pytest.mark.parametrize(
    ("k1", "b", "mean_length"),
    [(0.0, 0.4, 1.0), (2.0, 1.1, 1.0), (2.0, 0.4, 0.0), (math.nan, 0, 1)],
)
def test_values_that_give_no_weight_are_refused(k1: float, b: float, mean_length: float) -> None:
    with pytest.raises(ValueError, match=f"k1={k1}, b={b}, mean_length={mean_length}"):
        Saturation(k1, b, mean_length)


def test_a_querys_impacts_count_by_the_root_of_idf() -> None:
    made = weighed(impacts([2.0, 0.0, 3.0]), np.array([4.0, 1.0, 9.0]))
    assert made.toarray().tolist() == [[4.0, 0.0, 9.0]]
    assert weighed(impacts([2.0]), np.array([4.0]), alpha=1.0).toarray().tolist() == [[8.0]]


@pytest.mark.parametrize(
    ("other", "is_like"),
    [
        (Saturation(0.7, 0.4, 70.0), True),
        (Saturation(0.7, 0.4, 76.9), True),
        (Saturation(0.7, 0.4, 77.1), False),
        (Saturation(0.7, 0.0, 70.0), False),
        (Saturation(1.0, 0.4, 70.0), False),
        (None, False),
    ],
)
def test_scores_compare_where_lengths_count_nearly_alike(other, is_like):
    assert Saturation(0.7, 0.4, 70.0).is_like(other) is is_like
