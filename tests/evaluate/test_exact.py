import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.errors import EvaluationError
from splare_os.evaluate import exact
from splare_os.evaluate.exact import Best, impacts_run
from splare_os.evaluate.runs import cut
from splare_os.impacts import Impacts
from splare_os.scoring import Saturation


def rows(*texts: list[float]) -> Impacts:
    return csr_array(np.array(texts, dtype=np.float32))


def test_scores_of_any_sign_are_ranked_and_equal_ones_by_id() -> None:
    scores = np.array([[0.5, -0.0, 0.5, -2.5], [0.0, -1e-30, -3.0, 1e30]], dtype=np.float32)
    best = Best(2, ["d", "c", "b", "a"], depth=3)
    best.add(slice(0, 2), 0, scores, only_positive=False)
    assert list(best.hits(0).items()) == [("b", 0.5), ("d", 0.5), ("c", 0.0)]
    assert list(best.hits(1).items()) == [
        ("a", np.float32(1e30)),
        ("d", 0.0),
        ("c", np.float32(-1e-30)),
    ]


def test_dot_products_are_those_of_impacts_as_stored() -> None:
    documents = rows([1.2345, 0.0], [0.0, 3.0])  # 1.2345 is kept as 1.234375
    run = impacts_run(
        ["q", "r"], rows([2.0, 1.0], [0.0, 0.0]), ["a", "b"], [documents], top_k=400, depth=5
    )
    assert run == {"q": {"b": 3.0, "a": 2.46875}, "r": {}}


def test_documents_are_cut_to_their_heaviest_impacts() -> None:
    found = impacts_run(["q"], rows([1.0, 1.0]), ["a"], [rows([2.0, 1.0])], top_k=1, depth=5)
    assert found == {"q": {"a": 2.0}}


def test_documents_saturate_with_the_length_that_the_cut_leaves() -> None:
    saturation = Saturation(k1=2.0, b=0.5, mean_length=2.0)
    documents, options = [rows([2.0, 1.0])], {"depth": 5, "saturation": saturation}
    whole = impacts_run(["q"], rows([1.0, 1.0]), ["a"], documents, top_k=2, **options)
    # of length 3: 2 · 3 / (2 + 2 · 1.25), in nine bits, and 1 · 3 / (1 + 2 · 1.25)
    assert whole == {"q": {"a": 1.33203125 + 0.85546875}}
    cut = impacts_run(["q"], rows([1.0, 1.0]), ["a"], documents, top_k=1, **options)
    assert cut == {"q": {"a": 2 * 3 / (2 + 2)}}  # of length 2, the mean


@pytest.mark.parametrize("depth", [1, 7, 1000])
def test_chunks_of_documents_and_blocks_of_queries_give_the_run_of_all_at_once(
    depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = np.random.default_rng(0)
    # whole numbers: many scores are equal
    texts = drawn.integers(0, 3, (50, 12)) * (drawn.random((50, 12)) < 0.3)
    asked = drawn.integers(0, 3, (9, 12)) * (drawn.random((9, 12)) < 0.3)
    ids = [str(number) for number in drawn.permutation(50)]
    names = [f"q{number}" for number in range(9)]
    documents, queries = rows(*texts.tolist()), rows(*asked.tolist())
    options = {"top_k": 400, "depth": depth}
    saturated = options | {"saturation": Saturation(k1=2.0, b=0.4, mean_length=3.0)}
    whole = impacts_run(names, queries, ids, [documents], **options)
    calibrated = impacts_run(names, queries, ids, [documents], **saturated)
    scores = asked @ texts.T
    for name, row in zip(names, scores.tolist(), strict=True):
        hits = {id_: float(score) for id_, score in zip(ids, row, strict=True) if score}
        assert list(whole[name].items()) == list(cut(hits, depth).items())
    monkeypatch.setattr(exact, "BLOCK_QUERIES", 4)
    parts = [documents[:20], documents[20:21], documents[21:]]
    assert impacts_run(names, queries, ids, parts, **options) == whole
    assert impacts_run(names, queries, ids, parts, **saturated) == calibrated


def test_a_score_that_is_no_number_is_refused_with_its_place() -> None:
    best = Best(9, ["a", "b", "c"], depth=3)
    scores = np.array([[1.0, 2.0], [0.5, np.nan]], dtype=np.float32)
    with pytest.raises(EvaluationError, match="query 6 and document 3 have the score nan"):
        best.add(slice(4, 6), 1, scores, only_positive=True)
