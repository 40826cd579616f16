import struct

import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.impacts import (
    as_stored,
    from_features,
    merge,
    prune,
    prune_to_mass,
    stored,
    to_features,
)


def impacts(rows: list[list[float]]) -> csr_array:
    return csr_array(np.array(rows, dtype=np.float32))


def test_as_stored_truncates_the_float32_bits_as_lucene_does() -> None:
    values = np.random.default_rng(0).uniform(1e-3, 50, 1000).astype(np.float32)
    for value, kept in zip(values, as_stored(values), strict=True):
        (bits,) = struct.unpack("<I", struct.pack("<f", value))
        (expected,) = struct.unpack("<f", struct.pack("<I", (bits >> 15) << 15))
        assert kept == expected
        assert 0 <= (value - kept) / value < 2**-8


def test_as_stored_keeps_the_type_it_is_given() -> None:
    assert isinstance(as_stored(1.2345), float)
    assert as_stored(1.2345) == 1.234375
    assert as_stored(np.array([1.2345], dtype=np.float32)).dtype == np.float32


def test_stored_leaves_the_original_alone() -> None:
    original = impacts([[1.2345, 0.0]])
    assert stored(original).data.tolist() == [1.234375]
    assert original.data[0] == np.float32(1.2345)


def test_prune_keeps_the_heaviest_of_each_row() -> None:
    pruned = prune(impacts([[1, 3, 2], [0, 0, 5], [0, 0, 0]]), 2)
    assert pruned.toarray().tolist() == [[0, 3, 2], [0, 0, 5], [0, 0, 0]]


def test_equal_impacts_keep_the_lower_latent() -> None:
    assert prune(impacts([[2, 1, 1, 1]]), 2).toarray().tolist() == [[2, 1, 0, 0]]
    assert prune(impacts([[2, 1]]), 2**70).toarray().tolist() == [[2, 1]]


def test_prune_equals_sorting_each_row() -> None:
    rng = np.random.default_rng(1)
    dense = np.where(rng.random((40, 60)) < 0.5, rng.integers(1, 9, (40, 60)), 0)
    pruned = prune(impacts(dense.tolist()), 7)
    for row, kept in zip(dense, pruned.toarray(), strict=True):
        order = sorted(range(60), key=lambda latent: (-row[latent], latent))[:7]
        expected = [row[latent] if latent in order else 0 for latent in range(60)]
        assert kept.tolist() == expected


@pytest.mark.parametrize("top_k", [0, -1])
def test_prune_refuses_to_keep_nothing(top_k: int) -> None:
    with pytest.raises(ValueError, match=f"top_k={top_k}: keep at least one latent"):
        prune(impacts([[1.0]]), top_k)


def test_a_mass_is_that_of_the_heaviest_impacts_of_each_text() -> None:
    rows = impacts([[1, 6, 3], [0, 0, 0], [4, 4, 4], [9, 1, 0]])
    kept = [[0, 6, 3], [0, 0, 0], [4, 4, 4], [9, 0, 0]]
    assert prune_to_mass(rows, 0.9).toarray().tolist() == kept
    equal = prune_to_mass(impacts([[4, 4, 4]]), 0.6)
    assert equal.toarray().tolist() == [[4, 4, 0]]  # the lower latents
    assert prune_to_mass(impacts([[2, 7]]), 1e-9).toarray().tolist() == [[0, 7]]


def test_impacts_that_are_no_numbers_stay() -> None:
    rows = impacts([[1, np.nan, 3], [1, np.inf, 3]])
    assert prune_to_mass(rows, 0.5).nnz == 6


def test_merge_takes_the_maximum_over_the_rows_of_a_text() -> None:
    merged = merge(impacts([[1, 0, 4], [2, 3, 1], [0, 0, 7]]), [2, 2, 0], 4)
    assert merged.toarray().tolist() == [[0, 0, 7], [0, 0, 0], [2, 3, 4], [0, 0, 0]]


def test_merge_of_rows_without_impacts_is_empty() -> None:
    merged = merge(csr_array((2, 3), dtype=np.float32), [0, 1], 2)
    assert (merged.shape, merged.nnz) == ((2, 3), 0)


def test_features_are_decimal_names_heaviest_first_and_come_back() -> None:
    rows = impacts([[0, 0.5, 2.0, 0.5], [0, 0, 0, 0]])
    assert list(to_features(rows).items()) == [("2", 2.0), ("1", 0.5), ("3", 0.5)]
    assert to_features(rows, 1) == {}
    back = from_features([to_features(rows, 0), to_features(rows, 1)], 4)
    assert (back.toarray() == rows.toarray()).all()
