import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.evaluate import (
    EvaluateOptions,
    Result,
    choose,
    evaluate,
    needs_cluster,
    unique_names,
)
from splare_os.evaluate.runs import fuse_runs
from splare_os.evaluate.systems import scored_model
from splare_os.impacts import Impacts, prune
from splare_os.scoring import B
from splare_os.statistics import Statistics
from tests.evaluate.by_hand import ONCE, TWICE, asked, kept
from tests.evaluate.folders import write
from tests.hashing import CutEncoder, HashEncoder

WIDTH = 1 << 16
"""Latents, so many that no two words of these tests share one."""


class OneWordEncoder(HashEncoder):
    """Hashed words, of a query the heaviest alone; it gives the others too, before that cut."""

    query_top_k = 1

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        return prune(self.encode_documents(texts), self.query_top_k)

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        return self.encode_documents(texts)


def named(name: str, encoder: HashEncoder | None = None) -> HashEncoder:
    encoder = encoder or HashEncoder(WIDTH)
    encoder.name = name
    return encoder


def save_apart(folder: Path, query: str = "oil water") -> Path:
    """Write a data set in which the two scorings rank differently: `d1` answers the query."""
    texts = {"d1": "oil price", "d2": "water water", "d3": "water sea", "d4": "water salt"}
    write(folder / "corpus.jsonl", [{"_id": name, "text": text} for name, text in texts.items()])
    write(folder / "queries.jsonl", [{"_id": "q", "text": query}])
    (folder / "qrels.tsv").write_text("q\td1\t1\n")
    return folder


@pytest.fixture
def apart(tmp_path: Path) -> Path:
    return save_apart(tmp_path / "apart")


# half for each word of the query and of a document
DOT = {"d2": 0.5 * TWICE, "d1": 0.5 * ONCE, "d3": 0.5 * ONCE, "d4": 0.5 * ONCE}
OIL, WATER = (asked(0.5, documents=4, having=having) for having in (1, 3))
CALIBRATED = {
    "d1": OIL * kept(ONCE),
    "d2": WATER * kept(TWICE),
    "d3": WATER * kept(ONCE),
    "d4": WATER * kept(ONCE),
}


def in_memory(folder: Path, encoders: Sequence[HashEncoder], *systems: str) -> list[Result]:
    options = EvaluateOptions(systems, in_memory=True)
    return list(evaluate([folder], encoders, None, options))


def test_systems_are_all_unless_named() -> None:
    assert choose((), ["mini"]) == ("bm25", "dense", "mini", "hybrid")
    assert choose((), ["mini"], in_memory=True) == ("dense", "mini")
    assert choose(("hybrid", "bm25", "hybrid"), ["mini"]) == ("hybrid", "bm25")
    assert choose(("hybrid-b",), ["a", "b"]) == ("hybrid-b",)
    assert choose((), []) == ("bm25", "dense")
    known = "bm25, dense, mini, mini-dot, hybrid, weighted, hybrid-mini, hybrid-mini-dot$"
    with pytest.raises(ValueError, match=f"'splade': choose from {known}"):
        choose(("splade",), ["mini"])
    with pytest.raises(ValueError, match="'hybrid': choose from bm25, dense$"):
        choose(("hybrid",), [])


def test_dot_products_are_asked_for_by_name() -> None:
    asked_for = ("a-dot", "a-2-dot", "hybrid-a-dot", "hybrid-a-2-dot")
    assert choose(asked_for, ["a", "a-2"]) == asked_for
    for unknown in ("b-dot", "bm25-dot", "dense-dot", "hybrid-dot", "a-dot-dot"):
        with pytest.raises(ValueError, match=f"system '{unknown}': choose from"):
            choose((unknown,), ["a", "a-2"])


def test_a_model_whose_name_ends_as_dot_products_do_is_itself() -> None:
    models = ["a", "a-dot"]
    assert scored_model("a-dot", models) == ("a-dot", "calibrated")
    assert scored_model("a-dot-dot", models) == ("a-dot", "dot")
    assert scored_model("a", models) == ("a", "calibrated")
    for system in ("bm25", "hybrid-a-dot", "b-dot", "a-dot-dot-dot"):
        assert scored_model(system, models) is None
    with pytest.raises(ValueError, match="from bm25, dense, a, a-dot, a-dot-dot, hybrid, "):
        choose(("b",), models)


def test_models_of_one_name_are_numbered() -> None:
    models = [named("a"), named("a-2"), named("a"), named("a")]
    assert unique_names(models) == ("a", "a-2", "a-3", "a-4")
    for taken in ("dense", "hybrid-a"):
        with pytest.raises(ValueError, match=f"the model is named '{taken}' as a baseline is"):
            unique_names([named(taken)])


def test_only_models_in_memory_and_dense_need_no_cluster() -> None:
    assert not needs_cluster(["dense"], in_memory=False)
    assert not needs_cluster(["dense", "mini", "mini-dot"], in_memory=True)
    assert needs_cluster(["mini"], in_memory=False)
    assert needs_cluster(["mini-dot"], in_memory=False)
    assert needs_cluster(["mini", "hybrid-mini"], in_memory=True)
    assert needs_cluster(["hybrid-mini-dot"], in_memory=True)
    assert needs_cluster(["bm25"], in_memory=True)


def test_the_scorings_rank_as_counted_by_hand(apart: Path) -> None:
    calibrated, dot = in_memory(apart, [HashEncoder(WIDTH)], "hash", "hash-dot")
    assert dot.run == {"q": DOT}
    assert list(dot.run["q"]) == ["d2", "d1", "d3", "d4"]  # equal scores by id
    assert calibrated.run["q"] == pytest.approx(CALIBRATED, rel=1e-6)
    assert list(calibrated.run["q"]) == ["d1", "d2", "d3", "d4"]
    assert (calibrated.figures["mrr@10"], dot.figures["mrr@10"]) == (1.0, 0.5)


def test_a_model_that_is_called_so_keeps_its_scoring(apart: Path) -> None:
    plain, tailed = named("x"), named("x-dot", CutEncoder(WIDTH))
    found = in_memory(apart, [tailed], "x-dot", "x-dot-dot")
    assert [result.system for result in found] == ["x-dot", "x-dot-dot"]
    assert found[0].run["q"] == pytest.approx(CALIBRATED, rel=1e-6)
    assert found[1].run["q"] == DOT
    both = in_memory(apart, [plain, tailed], "x-dot")
    assert both[0].run["q"] == pytest.approx(CALIBRATED, rel=1e-6)
    assert plain.batches == []


def test_of_two_models_of_one_name_each_has_its_dot_products(folder: Path) -> None:
    first, second = HashEncoder(WIDTH), CutEncoder(WIDTH, fingerprint="f" * 16)
    one, other = in_memory(folder, [first, second], "hash-dot", "hash-2-dot")
    assert one.run["q3"] == {"d4": 0.5, "d2": 0.25}
    assert other.run["q3"] == {"d4": 0.5}  # "water" is none of the two words that d2 keeps


@pytest.mark.opensearch
@pytest.mark.parametrize("is_in_memory", [True, False])
def test_a_hybrid_fuses_the_scoring_that_it_names(
    apart: Path, client: OpenSearch, *, is_in_memory: bool
) -> None:
    systems = ("bm25", "hash", "hash-dot", "hybrid", "hybrid-hash", "hybrid-hash-dot")
    options = EvaluateOptions(systems, in_memory=is_in_memory, keep=False)
    results = evaluate([apart], [HashEncoder(WIDTH)], client, options)
    runs = {result.system: result.run for result in results}
    assert runs["hash-dot"]["q"] == pytest.approx(DOT, rel=1e-6)
    assert runs["hybrid-hash-dot"] == fuse_runs([runs["bm25"], runs["hash-dot"]])
    assert runs["hybrid-hash"] == runs["hybrid"] == fuse_runs([runs["bm25"], runs["hash"]])
    assert runs["hybrid"] != runs["hybrid-hash-dot"]
    options = EvaluateOptions(("hybrid-hash-dot",), in_memory=is_in_memory, keep=False)
    (alone,) = evaluate([apart], [HashEncoder(WIDTH)], client, options)
    assert alone.run == runs["hybrid-hash-dot"]


def test_files_tell_the_scorings_apart(apart: Path, tmp_path: Path) -> None:
    runs, per_query = tmp_path / "runs", tmp_path / "queries.jsonl"
    systems = ("hash-dot", "hash")
    options = EvaluateOptions(systems, in_memory=True, runs=runs, per_query=per_query)
    for result in evaluate([apart], [HashEncoder(WIDTH)], None, options):
        lines = (runs / f"apart.{result.system}.trec").read_text().splitlines()
        assert [line.split()[2] for line in lines] == list(result.run["q"])
        assert {line.split()[-1] for line in lines} == {result.system}
    dot, calibrated = (json.loads(line) for line in per_query.read_text().splitlines())
    assert (dot["system"], dot["ndcg@10"]) == ("hash-dot", 0.6309)  # second: 1 / log2(3)
    assert (calibrated["system"], calibrated["ndcg@10"]) == ("hash", 1.0)
    assert (calibrated["baseline"], calibrated["ndcg@10 difference"]) == ("hash-dot", 0.3691)


def test_costs_are_of_the_words_that_score(tmp_path: Path) -> None:
    # "water" is the heavier word of the query; weighed by how rare it is here, "oil" is
    folder = save_apart(tmp_path / "heavy", "water water water oil oil")
    calibrated, dot = in_memory(folder, [OneWordEncoder(WIDTH)], "hash", "hash-dot")
    assert dot.run["q"] == {"d2": 1.5 * TWICE, "d3": 1.5 * ONCE, "d4": 1.5 * ONCE}
    oil = asked(2 * 0.5, documents=4, having=1)
    assert calibrated.run["q"] == pytest.approx({"d1": oil * kept(ONCE)}, rel=1e-6)
    assert calibrated.costs["query_latents"] == dot.costs["query_latents"] == 1.0
    assert (calibrated.costs["flops"], dot.costs["flops"]) == (1 / 4, 3 / 4)
    whole, _ = in_memory(folder, [HashEncoder(WIDTH)], "hash", "hash-dot")
    assert (whole.costs["query_latents"], whole.costs["flops"]) == (2.0, 1 / 4 + 3 / 4)


def test_the_statistics_of_a_small_corpus_have_the_prior_of_the_model(folder: Path) -> None:
    encoder = HashEncoder(WIDTH)
    counts = np.zeros(WIDTH)
    counts[encoder.latent("water")] = 200
    encoder.prior = Statistics(1000, counts, 2000.0)  # type: ignore[attr-defined]
    calibrated, dot = in_memory(folder, [encoder], "hash", "hash-dot")
    # two of four documents, and of the hundred that the prior stands for, 1 in 5
    water = asked(0.5, documents=4 + 100, having=2 + 20)
    # d4 has eight words, d2 six, half for each; the mean of the prior is 2
    by_hand = {
        "d4": water * kept(TWICE, b=B, length_to_mean=4.0 / 2.0),
        "d2": water * kept(ONCE, b=B, length_to_mean=3.0 / 2.0),
    }
    assert calibrated.run["q3"] == pytest.approx(by_hand, rel=1e-6)
    assert dot.run["q3"] == {"d4": 0.5, "d2": 0.25}
