import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.impacts import empty
from splare_os.search import Cut, SplareOpenSearch, translate

from ..conftest import Library

WEIGHTS = [0.0, 0.5, 4.0, 2.0, 0.5, 1.0, 2.0]  # sum 10


def left(**bounds: object) -> list[int]:
    weights = csr_array(np.array([WEIGHTS], dtype=np.float32))
    return Cut(**bounds).of(weights).indices.tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"top_k": 2}, [2, 3]),
        ({"top_k": 9}, [1, 2, 3, 4, 5, 6]),
        ({"max_ratio": 0.5}, [2, 3, 6]),
        ({"max_ratio": 0.6}, [2]),
        ({"max_ratio": 0}, [1, 2, 3, 4, 5, 6]),
        ({"mass": 0.4}, [2]),
        ({"mass": 0.41}, [2, 3]),
        ({"mass": 0.8}, [2, 3, 6]),
        ({"mass": 0.9}, [2, 3, 5, 6]),
        ({"mass": 1}, [1, 2, 3, 4, 5, 6]),
        ({"mass": 0}, [2]),
        ({"drop_ratio": 0.5}, [2, 3, 6]),
        ({"drop_ratio": 0.3}, [1, 2, 3, 5, 6]),  # 1.8 of six: one
        ({"drop_ratio": 1}, [2]),
        ({"top_k": 3, "mass": 0.6}, [2, 3]),
        ({"top_k": 1, "mass": 0.6}, [2]),
    ],
)
def test_bounds_hold_together_and_one_latent_stays(bounds, expected):
    assert left(**bounds) == expected


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ({"top_k": 0}, "top_k=0: give a number of latents, at least 1"),
        ({"top_k": 2.5}, "top_k=2.5"),
        ({"top_k": True}, "top_k=True"),
        ({"max_ratio": 1.5}, "max_ratio=1.5: give a share from 0 to 1"),
        ({"mass": "much"}, "mass='much'"),
        ({"drop_ratio": float("nan")}, "drop_ratio=nan"),
        ({"mass": True}, "mass=True"),
    ],
)
def test_bounds_that_mean_nothing_are_refused(bounds, told):
    with pytest.raises(ValueError, match=told):
        Cut(**bounds)


def test_one_query_at_a_time_and_none_without_impacts():
    with pytest.raises(ValueError, match="2 rows"):
        Cut(top_k=1).of(empty(2, 4))
    assert Cut(top_k=1).of(empty(1, 4)).nnz == 0


def test_both_dialects_translate_what_is_left():
    weights = csr_array(np.array([WEIGHTS], dtype=np.float32))
    clauses = translate(weights, "f", cut=Cut(top_k=2), name="q")["bool"]["must"]["bool"]["should"]
    assert [clause["rank_feature"]["field"] for clause in clauses] == ["f.2", "f.3"]
    tokens = translate(weights, "f", cut=Cut(top_k=2), dialect="neural_sparse")["neural_sparse"]
    assert tokens["f"]["query_tokens"] == {"2": 4.0, "3": 2.0}
    none = translate(empty(1, 4), "f", name="q")
    assert none == {"bool": {"must": {"match_none": {}}, "_name": "q"}}


@pytest.mark.opensearch
def test_a_clause_takes_bounds(splare: SplareOpenSearch, library: Library) -> None:
    def found(**bounds: float) -> dict[str, float]:
        clause = {"splare": {"text": {"query": "the oil embargo", **bounds}}}
        reply = splare.search(index="library", body={"query": clause, "size": 100})
        return {hit["_id"]: hit["_score"] for hit in reply["hits"]["hits"]}

    whole, cut = found(), found(top_k=3)
    assert cut.keys() <= whole.keys()
    assert all(0 < cut[name] < whole[name] for name in cut)
    assert found(mass=1.0, max_ratio=0.0) == whole
    with pytest.raises(ValueError, match="mass=2: give a share"):
        found(mass=2)
