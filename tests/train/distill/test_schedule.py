from dataclasses import replace

import numpy as np
import pytest

from splare_os.errors import TrainingError
from splare_os.train.distill.options import DistillOptions
from splare_os.train.distill.pairs import Pairs, Row, TrainingSet
from splare_os.train.distill.schedule import Schedule, columns
from tests.train.distilling import pairs_of

OPTIONS = DistillOptions(steps=20, batch_size=4, accumulation=2, held_out=2)


def source(n: int, *, name: str = "toy", queries: int = 0) -> Pairs:
    return pairs_of(*(Row(q % (queries or n), q) for q in range(n)), name=name, n=n)


def test_queries_of_held_out_batches_are_in_no_other() -> None:
    data = TrainingSet.of([source(40, queries=20), source(12, name="other")])
    drawn = Schedule.draw(data, OPTIONS)
    assert (drawn.trained.shape, drawn.held_out.shape) == ((40, 4), (2, 4))
    trained, held = (
        {data.rows[place].query for place in places.ravel()}
        for places in (drawn.trained, drawn.held_out)
    )
    assert not trained & held
    again = Schedule.draw(data, OPTIONS)
    np.testing.assert_array_equal(drawn.trained, again.trained)
    assert (Schedule.draw(data, replace(OPTIONS, seed=1)).held_out != drawn.held_out).any()


def test_a_query_that_another_source_has_too_is_held_out_there() -> None:
    """Both sources ask q0 to q19."""
    data = TrainingSet.of([source(20), source(20, name="other")])
    drawn = Schedule.draw(data, OPTIONS)
    trained, held = (
        {data.queries[data.rows[place].query] for place in places.ravel()}
        for places in (drawn.trained, drawn.held_out)
    )
    assert not trained & held


def test_vectors_make_batches_of_like_queries() -> None:
    data = TrainingSet.of([source(64)])
    vectors = np.eye(2, dtype=np.float32)[np.arange(64) % 2]
    drawn = Schedule.draw(data, OPTIONS, vectors)
    pure = [len({place % 2 for place in batch}) == 1 for batch in drawn.trained]
    assert np.mean(pure) > 0.6  # 1/8 by chance


@pytest.mark.parametrize("n", [4, 8, 11])
def test_too_few_pairs_beside_the_held_out_ones_are_refused(n: int) -> None:
    message = r"toy has \d pairs to train on, held_out=2 batches apart: too few for batch_size=4"
    with pytest.raises(ValueError, match=message):
        Schedule.draw(TrainingSet.of([source(n)]), OPTIONS)


def test_a_source_that_would_never_be_seen_is_refused() -> None:
    data = TrainingSet.of([source(40), source(3, name="small")])
    with pytest.raises(ValueError, match=r"small has \d pairs to train on"):
        Schedule.draw(data, OPTIONS)


def test_a_batch_larger_than_all_sources_is_refused() -> None:
    with pytest.raises(ValueError, match="toy has 3 pairs .*too few for batch_size=4"):
        Schedule.draw(TrainingSet.of([source(3)]), OPTIONS)


def test_negatives_that_are_asked_for_must_be_there() -> None:
    rows = [Row(q, q, (0, 1)) for q in range(2, 39)] + [Row(0, 0, (1,))]
    data = TrainingSet.of([pairs_of(*rows, n=40)])
    assert Schedule.draw(data, replace(OPTIONS, negatives=1)).trained.size
    message = r"toy has a pair with 1 negatives, negatives=2 are asked for: mine more"
    with pytest.raises(TrainingError, match=message):
        Schedule.draw(data, replace(OPTIONS, negatives=2))


def test_columns_are_texts_in_the_order_of_the_loss() -> None:
    data = TrainingSet.of([pairs_of(Row(3, 4, (5, 6)), Row(1, 2, (7, 8)))])
    found = columns(data, np.array([1, 0]), 1, {})
    assert list(found.items()) == [
        ("query", ["q1", "q3"]),
        ("positive", ["d2", "d4"]),
        ("negative_0", ["d7", "d5"]),
    ]


def test_columns_have_the_prompts_that_a_model_puts_before_texts() -> None:
    data = TrainingSet.of([pairs_of(Row(3, 4, (5,)))])
    found = columns(data, np.array([0]), 1, {"query": "ask: ", "document": "say: ", "else": "x"})
    assert [*found.values()] == [["ask: q3"], ["say: d4"], ["say: d5"]]
    assert columns(data, np.array([0]), 0, {"query": None})["query"] == ["q3"]
