import json
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import EvaluationError
from splare_os.evaluate import EvaluateOptions, evaluate
from splare_os.evaluate.fitting import Judged, best_weight, held_out, save_fit, weighted
from splare_os.search import Fusion, read_fusion
from tests.evaluate.folders import write
from tests.hashing import HashEncoder

QUERIES = [f"q{number:02}" for number in range(20)]


def judged(good: str, *, name: str = "set", queries: list[str] = QUERIES) -> Judged:
    """Return runs of which `good`, words or latents, finds the one document that answers."""
    hit = {"d": 3.0, "x": 2.0, "y": 1.0}
    miss = {"x": 3.0, "y": 2.0, "z": 1.0}
    runs = {
        arm: {q: dict(hit if arm == good else miss) for q in queries}
        for arm in ("words", "latents")
    }
    return Judged(name, runs["words"], runs["latents"], {query: {"d": 1} for query in queries})


def test_weights_of_a_fusion_are_of_words_and_of_latents() -> None:
    assert weighted(0.35) == Fusion("weighted", weights=(0.35, 0.65))


@pytest.mark.parametrize("good", ["words", "latents"])
def test_the_arm_that_answers_gets_the_weight(good: str) -> None:
    run, weights = held_out(judged(good))
    assert list(run) == QUERIES
    assert all(next(iter(hits)) == "d" for hits in run.values())
    # d leads with 1 · w against x, which has 1 · (1 - w) + 0.5 · w
    assert all((weight > 2 / 3) if good == "words" else (weight < 1 / 3) for weight in weights)


def test_no_query_is_searched_with_a_weight_that_it_helped_to_choose() -> None:
    apart = QUERIES[0::5]  # a fold: here latents answer
    one, other = judged("words"), judged("latents")
    words, latents = (
        getattr(one, arm) | {query: getattr(other, arm)[query] for query in apart}
        for arm in ("words", "latents")
    )
    mixed = Judged("set", words, latents, one.qrels)
    run, weights = held_out(mixed)
    assert weights[0] > 2 / 3  # the other folds know words alone
    assert all(next(iter(run[query])) != "d" for query in apart)


def test_equal_weights_are_decided_for_the_middle() -> None:
    tried = {0.0: {"q": 1.0}, 0.4: {"q": 1.0}, 1.0: {"q": 0.5}}
    assert best_weight(tried, ["q"]) == 0.4


def test_too_few_queries_are_refused() -> None:
    with pytest.raises(EvaluationError, match="set: 9 judged queries are too few"):
        held_out(judged("words", queries=QUERIES[:9]))


def test_the_file_holds_the_weights_for_all_and_how_they_were_found(tmp_path: Path) -> None:
    path = tmp_path / "fusion.json"
    save_fit(path, HashEncoder(), [judged("latents", name="a"), judged("latents", name="b")])
    fusion = read_fusion(path)
    assert fusion.method == "weighted"
    assert fusion.weights[0] < 1 / 3
    told = json.loads(path.read_text())["fitted"]
    assert (told["model"], told["fingerprint"]) == ("hash", "0123456789abcdef")
    (a, b) = told["datasets"]
    assert a | {"dataset": "b"} == b
    assert (a["queries"], a["held_out"], len(a["weights_of_words"])) == (20, 1.0, 5)
    # by ranks x leads, then y, for both arms have them; d is third: 1 / log2(4)
    assert (a["rrf"], a["p_value"]) == (0.5, 0.0)


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """A data set of twelve queries that words answer, in other forms, and latents do not."""
    words = [*"abcdefghijkl"]
    corpus = [{"_id": f"d{word}", "text": f"{word}{word}{word}s and others"} for word in words]
    queries = [{"_id": f"q{word}", "text": f"other {word}{word}{word}"} for word in words]
    write(tmp_path / "answers" / "corpus.jsonl", corpus)
    write(tmp_path / "answers" / "queries.jsonl", queries)
    qrels = "".join(f"q{word}\td{word}\t1\n" for word in words)
    (tmp_path / "answers" / "qrels.tsv").write_text(qrels)
    return tmp_path / "answers"


@pytest.mark.opensearch
@pytest.mark.parametrize("in_memory", [True, False])
def test_an_evaluation_reports_what_was_held_out_and_writes_the_weights(
    client: OpenSearch, answers: Path, tmp_path: Path, *, in_memory: bool
) -> None:
    path = tmp_path / "fusion.json"
    options = EvaluateOptions(
        ("hybrid",), in_memory=in_memory, keep=False, baseline="hybrid", fit_hybrid=path
    )
    by_ranks, held = evaluate([answers], [HashEncoder(1 << 16)], client, options)
    assert (by_ranks.system, held.system) == ("hybrid", "weighted")
    assert held.figures["ndcg@10"] == 1.0
    assert held.versus is not None
    assert held.versus.baseline == "hybrid"
    assert json.loads(path.read_text())["fitted"]["datasets"][0]["held_out"] == 1.0
    assert read_fusion(path).method == "weighted"


def test_what_cannot_be_fitted_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fit_hybrid=.*nowhere.*: there is no such folder"):
        EvaluateOptions(fit_hybrid=tmp_path / "nowhere" / "fusion.json")
    with pytest.raises(ValueError, match="weights are fitted for one cut"):
        EvaluateOptions(fit_hybrid=tmp_path / "fusion.json", top_k=(10, 20))
    options = EvaluateOptions(("dense",), in_memory=True, fit_hybrid=tmp_path / "fusion.json")
    assert options.needs_cluster
    with pytest.raises(ValueError, match="hand over a model to fit it with"):
        evaluate([], [], None, options)
