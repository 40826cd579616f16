from itertools import islice

import numpy as np
import pytest

from splare_os.train.distill.batches import batches, bisect

SOURCES = [np.arange(0, 23), np.arange(23, 30), np.arange(30, 33)]


def drawn(n: int, *, seed: int = 0, vectors: np.ndarray | None = None) -> list[list[int]]:
    found = batches(SOURCES, vectors, batch_size=5, seed=seed)
    return [batch.tolist() for batch in islice(found, n)]


def topics() -> np.ndarray:
    """Vectors [row, dimension] around four directions, in turns."""
    noise = np.random.default_rng(0).normal(size=(400, 8)) * 0.1
    return (noise + np.eye(8)[np.arange(400) % 4]).astype(np.float32)


@pytest.mark.parametrize("topical", [False, True])
def test_a_batch_is_whole_and_of_one_source(*, topical: bool) -> None:
    vectors = topics()[:33] if topical else None
    for batch in drawn(40, vectors=vectors):
        assert len(set(batch)) == 5
        assert len({0 if row < 23 else 1 if row < 30 else 2 for row in batch}) == 1


def test_a_pass_sees_a_row_at_most_once_and_later_ones_see_the_rest() -> None:
    per_pass = 4 + 1  # of 23 and 7 rows; 3 rows are too few for a batch
    found = drawn(20 * per_pass)
    for start in range(0, len(found), per_pass):
        seen = [row for batch in found[start : start + per_pass] for row in batch]
        assert len(set(seen)) == len(seen) == 25
    assert {row for batch in found for row in batch} == set(range(30))


def test_equal_seeds_draw_equal_batches() -> None:
    assert drawn(12) == drawn(12)
    assert drawn(12) != drawn(12, seed=1)


def test_topical_batches_are_tighter_than_random_ones() -> None:
    vectors, rows = topics(), [np.arange(400)]

    def spread(by: np.ndarray | None) -> float:
        found = list(islice(batches(rows, by, batch_size=10, seed=0), 40))
        return float(np.mean([vectors[batch].std(axis=0).sum() for batch in found]))

    assert spread(vectors) < 0.6 * spread(None)


def test_bisection_keeps_all_rows_where_none_differ() -> None:
    rng = np.random.default_rng(0)
    found = list(bisect(np.arange(12), np.ones((12, 3), dtype=np.float32), 4, rng))
    assert sorted(np.concatenate(found).tolist()) == list(range(12))
    assert not [*bisect(np.arange(0), None, 4, rng)]


def test_too_large_a_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size=24: the largest source has 23 pairs; give a"):
        next(batches(SOURCES, None, batch_size=24, seed=0))
