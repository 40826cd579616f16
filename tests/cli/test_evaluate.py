import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from splare_os import evaluate
from splare_os.cli import evaluate as cli_evaluate
from splare_os.cli.main import main
from splare_os.errors import EvaluationError
from splare_os.evaluate import MEASURES
from tests.evaluate.folders import write
from tests.models import build_tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tiny")
    build_tiny(tmp_path_factory.mktemp("bert")).save(folder)
    return str(folder)


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["evaluate", *args])


def json_lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A BEIR folder of two documents and a query."""
    folder = tmp_path / "small"
    folder.mkdir()
    documents = [{"_id": f"d{n}", "text": text} for n, text in enumerate(["oil war", "river"])]
    queries = [{"_id": "q", "text": "river"}]
    for name, lines in (("corpus", documents), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\td1\t1\n")
    return str(folder)


@pytest.mark.opensearch
def test_evaluate_prints_a_line_for_each_system(model: str, cluster_url: str, small: str) -> None:
    args = ["--systems", "bm25,tiny,hybrid", "--model", model, "--url", cluster_url]
    result = run(small, *args)
    assert result.exit_code == 0, result.stderr
    lines = json_lines(result.stdout)
    assert [(line["system"], line["ndcg@10"]) for line in lines] == [
        ("bm25", 1.0),
        ("tiny", 1.0),
        ("hybrid", 1.0),
    ]


def test_evaluate_compares_models_in_memory(model: str, small: str, tmp_path: Path) -> None:
    models = ["--model", model, "--model", model, "--systems", "tiny,tiny-2", "--in-memory"]
    saved = ["--runs", str(tmp_path / "runs"), "--per-query", str(tmp_path / "queries.jsonl")]
    result = run(small, *models, *saved, "--top-k", "50,5", "--baseline", "tiny-2")
    assert result.exit_code == 0, result.stderr
    lines = json_lines(result.stdout)
    assert [(line["system"], line["top_k"]) for line in lines] == [
        ("tiny-2", 50),
        ("tiny-2", 5),
        ("tiny", 50),
        ("tiny", 5),
    ]
    assert lines[2]["baseline"] == "tiny-2"
    assert "starting the embedded OpenSearch" not in result.stderr
    assert len(list((tmp_path / "runs").iterdir())) == 4
    assert len((tmp_path / "queries.jsonl").read_text().splitlines()) == 4


def test_evaluate_refuses_what_it_cannot_do(small: str) -> None:
    for args, message in (
        (["--top-k", "50,x"], "top_k='x': give a whole number"),
        (["--top-k", "0"], "top_k=0: keep 1 to"),
        (["--per-query", "none/here"], "there is no such folder"),
    ):
        result = run(small, *args)
        assert result.exit_code == 2
        assert message in result.stderr
        assert "loading the model" not in result.stderr


def test_a_folder_that_is_no_data_set_is_refused_before_work(small: str, tmp_path: Path) -> None:
    result = run(small, str(tmp_path), "--in-memory")
    assert result.exit_code == 1
    assert "has no corpus.jsonl" in result.stderr
    assert "loading the model" not in result.stderr


@pytest.mark.opensearch
def test_documents_that_a_system_cannot_take_are_counted_and_exit_1(
    model: str, cluster_url: str, small: str
) -> None:
    documents = [{"_id": "d1", "text": "river"}, {"_id": "d2", "text": "oil", "text_splare": 1}]
    write(Path(small) / "corpus.jsonl", documents)
    result = run(small, "--model", model, "--systems", "bm25,tiny,hybrid", "--url", cluster_url)
    assert result.exit_code == 1
    bm25, tiny, hybrid = json_lines(result.stdout)
    assert "missing_documents" not in bm25
    assert tiny["missing_documents"] == hybrid["missing_documents"] == 1


def test_on_a_terminal_what_is_measured_is_shown_whatever_ends_the_rest(
    model: str, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*_: object) -> Iterator[evaluate.Result]:
        yield evaluate.Result("small[1]", "tiny", {}, {name: {"q": 0.25} for name in MEASURES})
        raise EvaluationError("the rest cannot be read")

    terminal = SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True), exit=sys.exit)
    monkeypatch.setattr(cli_evaluate, "sys", terminal)
    monkeypatch.setattr(evaluate, "evaluate", measured)
    result = run(small, "--model", model, "--in-memory")
    assert result.exit_code == 1
    assert "small[1]" in result.stdout
    assert "0.2500" in result.stdout
    assert "the rest cannot be read" in result.stderr


def test_the_arms_of_a_search_log_are_compared(small: str, tmp_path: Path) -> None:
    lines = [
        {"rule": "r", "arm": arm, "from": 0, "text": "river", "hits": hits}
        for arm, hits in (("control", ["d0", "d1"]), ("treatment", ["d1"]))
    ]
    log = tmp_path / "searches.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = run(small, "--search-log", str(log))
    assert result.exit_code == 0, result.stderr
    control, treatment = json_lines(result.stdout)
    assert (control["system"], control["mrr@10"]) == ("control", 0.5)
    assert (treatment["mrr@10"], treatment["baseline"], treatment["wins"]) == (1.0, "control", 1)
    assert run(small, "--search-log", str(log), "--in-memory").exit_code == 2
