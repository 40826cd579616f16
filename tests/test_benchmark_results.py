import json
from pathlib import Path

import numpy as np
import pytest
from click import UsageError
from click.testing import CliRunner, Result

from benchmarks import results
from benchmarks.results import Plan, WorkFile, folders_below, main
from benchmarks.results_page import Row, page
from splare_os.evaluate import MEASURES
from splare_os.evaluate.cuts import Cut
from splare_os.evaluate.datasets import read_dataset
from splare_os.evaluate.dense import PACKAGE
from splare_os.statistics import Statistics
from tests.evaluate.folders import save_folder
from tests.hashing import HashEncoder
from tests.models import build_tiny


def row(dataset: str, system: str, figures: list[float], top_k: Cut | None = None) -> Row:
    found = sum(figures) / len(figures)
    cut = {} if top_k is None else {"top_k": top_k}
    costs = {"query_latents": 10.0, "document_latents": 100.0, "flops": 1.25}
    by_query = {f"q{number}": figure for number, figure in enumerate(figures)}
    named = {"dataset": dataset, "system": system, "queries": len(figures), "by_query": by_query}
    return named | cut | costs | dict.fromkeys(MEASURES, found)


def test_the_page_holds_figures_means_tests_and_shares() -> None:
    rows = []
    for dataset, plus in (("a", 0.0), ("b/de", 0.25)):
        for system, figures in (
            ("bm25", [0.5, 0.5]),
            ("dense", [0.25, 0.5]),
            ("mini", [0.5, 0.75]),
            ("hybrid", [0.25, 0.25]),
        ):
            rows.append(row(dataset, system, [figure + plus for figure in figures]))
        rows.append(row(dataset, "mini", [0.25, 0.375], "25%"))
        rows.append(row(dataset, "mini", [0.5, 0.75], 50))
    text = page(rows, {"mini": "f00"}, ["a"], 1500)
    assert "at most 1,500 queries" in text
    assert "Models: mini (`f00`)." in text
    for line in (
        "| data set | queries | bm25 | dense | mini | hybrid |",
        "| a | 2 | 0.5000 | 0.3750 | **0.6250** | 0.2500 |",
        "| b/de | 2 | 0.7500 | 0.6250 | **0.8750** | 0.5000 |",
        "| mean of 1 |  | 0.5000 | 0.3750 | **0.6250** | 0.2500 |",
        "| mean of the other 1 |  | 0.7500 | 0.6250 | **0.8750** | 0.5000 |",
        "| a | 10.0 / 100.0 / 1.25 |",
        # differences 0, 0.25: t = 1, one degree of freedom
        "| a | +0.1250 (0.500; 1 / 1 / 0) | +0.2500 (0.000; 2 / 0 / 0) |",
        "| mean of 1 | +0.1250 | +0.2500 |",
        "| data set | latents | uncut | 25% | 50 |",
        "| a | 100 | 0.6250 | 50.0 % | 100.0 % |",
        "| b/de | 100 | 0.8750 | 35.7 % | 71.4 % |",
        "| mean of 1 | 100 | 0.6250 | 50.0 % | 100.0 % |",
    ):
        assert line in text.splitlines(), line


def test_both_scorings_and_both_hybrids_are_compared() -> None:
    systems = ("bm25", "dense", "mini", "mini-dot", "hybrid", "hybrid-mini-dot", "weighted")
    rows = [row("a", system, [0.5, n / 8]) for n, system in enumerate(systems)]
    lines = page(rows, {"mini": "f00"}, ["a"], 1500).splitlines()
    costs = "10.0 / 100.0 / 1.25"
    for line in (
        "| data set | mini | mini-dot |",
        f"| a | {costs} | {costs} |",
        "| data set | against bm25 | against dense | against mini-dot |",
        "| data set | against bm25 | against dense | against hybrid-mini-dot |",
        "| data set | against bm25 | against dense | against hybrid |",
        "| mean of 1 | +0.1250 | +0.0625 | -0.0625 |",  # mini
        "| mean of 1 | +0.1875 | +0.1250 |",  # mini-dot
    ):
        assert line in lines, line
    tested = [line.split(":")[0] for line in lines if "difference of nDCG@10" in line]
    assert tested == [f"## {system}" for system in systems[2:]]


def test_a_model_whose_name_ends_as_dot_products_do_is_on_the_page() -> None:
    systems = ("bm25", "dense", "x-dot", "x-dot-dot", "hybrid", "hybrid-x-dot-dot")
    rows = [row("a", system, [0.5, 0.5]) for system in systems]
    lines = page(rows, {"x-dot": "f00"}, ["a"], 1500).splitlines()
    assert "| data set | x-dot | x-dot-dot |" in lines


def test_a_finished_row_counts_for_one_scoring_and_prior(tmp_path: Path) -> None:
    data = read_dataset(save_folder(tmp_path / "one"), "one")
    plain, known = HashEncoder(), HashEncoder()
    known.prior = Statistics(10, np.ones(512), 20.0)  # type: ignore[attr-defined]
    plans = [Plan({name: plain}, (), (), 10, dense=object()) for name in ("x", "x-dot")]  # type: ignore[arg-type]
    fused = ("hybrid", "hybrid-x-dot", "weighted")
    assert plans[0].systems == ("bm25", "dense", "x", "x-dot", *fused)
    keys = [
        [plan.key(data, system) for system in plan.systems if system != "dense"] for plan in plans
    ]
    assert keys[0] == keys[1]  # whatever the model is called
    assert len(set(keys[0])) == 6
    other = Plan({"x": known}, (), (), 10, dense=object())  # type: ignore[arg-type]
    for system, is_same in {
        "x": False,
        "x-dot": True,
        "hybrid": False,
        "hybrid-x-dot": True,
        "weighted": False,
    }.items():
        assert (other.key(data, system) == plans[0].key(data, system)) is is_same
    before = other.key(data, "x")
    known.prior = Statistics(20, np.ones(512), 40.0)  # type: ignore[attr-defined]
    assert other.key(data, "x") != before


def test_a_figure_that_lacks_documents_is_marked() -> None:
    rows = [row("a", system, [0.5, 0.25]) for system in ("bm25", "dense", "mini", "hybrid")]
    for found in rows[2:]:
        found["missing_documents"] = 3
    text = page(rows, {"mini": "f00"}, ["a"], 1500)
    cells = "**0.3750** | **0.3750** | **0.3750**† | **0.3750**† |"
    assert f"| a | 2 | {cells}" in text.splitlines()
    assert "† Documents are missing: mini on a lacks 3; hybrid on a lacks 3." in text.splitlines()


def test_a_row_that_an_interruption_cut_off_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "work" / "rows.jsonl"
    assert WorkFile(path).rows == {}
    path.write_text('{"key": "a", "ndcg@10": 1.0}\n{"key": "b", "nd')
    assert list(WorkFile(path).rows) == ["a"]
    assert path.read_text() == '{"key": "a", "ndcg@10": 1.0}\n'


def test_data_sets_are_found_at_any_depth(tmp_path: Path) -> None:
    save_folder(tmp_path / "scifact")
    save_folder(tmp_path / "xquad" / "de", suffix=".jsonl.gz")
    assert list(folders_below(tmp_path)) == ["scifact", "xquad/de"]
    with pytest.raises(UsageError, match=r"has no folder with a corpus.jsonl or corpus.jsonl.gz"):
        folders_below(tmp_path / "scifact" / "qrels")


@pytest.mark.opensearch
def test_one_command_writes_the_page_and_computes_nothing_twice(
    tmp_path: Path, cluster_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(PACKAGE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data, model, out = tmp_path / "data", tmp_path / "tiny", tmp_path / "results.md"
    save_folder(data / "one")
    save_folder(data / "two" / "de")
    build_tiny(tmp_path / "bert").save(model)

    def run(*more: str) -> Result:
        options = ["--models", str(model), "--top-k", "2,50%", "--url", cluster_url, "--work"]
        work = str(tmp_path / "work.jsonl")
        return CliRunner().invoke(main, [str(data), "--out", str(out), *options, work, *more])

    done = run("--mean-over", "one", "--sets", "one")
    assert done.exit_code == 0, done.output
    assert "two/de" not in out.read_text()
    done = run()
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (tmp_path / "work.jsonl").read_text().splitlines()]
    assert len(lines) == 9 * 2 // 2  # the corpora are equal, and so are their queries
    scored = ("tiny", "tiny-dot", "hybrid", "hybrid-tiny-dot", "weighted")
    assert {(line["system"], line.get("top_k")) for line in lines} == {
        *((system, None) for system in ("bm25", "dense", *scored)),
        *(("tiny", 2), ("tiny", "50%")),
    }
    first = out.read_text()
    assert "| two/de | 3 |" in first
    monkeypatch.setattr(results, "evaluate", None)  # nothing is left to compute
    assert run().exit_code == 0
    assert out.read_text() == first


def test_what_cannot_be_is_refused_before_work(tmp_path: Path) -> None:
    save_folder(tmp_path / "one")
    out = str(tmp_path / "results.md")
    for more, message in (
        (["--mean-over", "two"], "--mean-over 'two': choose from one"),
        (["--sets", "two"], "--sets 'two': choose from one"),
        (["--out", str(tmp_path / "none" / "page.md")], "there is no such folder"),
        (["--models", ""], "name at least one"),
        (["--top-k", "50,0"], "--top-k: top_k=0: keep 1 to"),
        (["--models", "nowhere"], "nowhere"),
        (["--device", "abacus"], "abacus"),
    ):
        result = CliRunner().invoke(main, [str(tmp_path), "--out", out, *more])
        assert isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code
        assert message in result.output


def test_a_file_of_others_is_no_work_file_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"a": 1}\n{"b"')
    with pytest.raises(UsageError, match="holds no finished rows; name another"):
        WorkFile(path)
    assert path.read_text() == '{"a": 1}\n{"b"'


def test_without_a_dense_model_the_page_has_none() -> None:
    plan = Plan({"x": HashEncoder()}, (), (), 10, dense=None)
    assert plan.systems == ("bm25", "x", "x-dot", "hybrid", "hybrid-x-dot", "weighted")
