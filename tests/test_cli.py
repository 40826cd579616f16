import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from splare_os.cli import main
from tests.models import build_tiny, save_model

HELP_BUDGET_S = 0.3


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tiny")
    build_tiny(tmp_path_factory.mktemp("bert")).save(folder)
    return str(folder)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, args, input=stdin)


def json_lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_encode_reads_documents_and_plain_texts_from_stdin(model: str) -> None:
    stdin = '{"_id": "a", "title": "oil", "text": "crisis"}\n\noil crisis\n{"_id": 7, "text": ""}\n'
    result = run("encode", "--model", model, "-", stdin=stdin)
    first, second, third = json_lines(result.stdout)
    assert (result.exit_code, first["_id"], second["_id"]) == (0, "a", "3")
    assert first["impacts"] == second["impacts"]
    assert first["impacts"]
    assert third == {"_id": "7", "impacts": {}}


def test_encode_query_keeps_fewer_latents(model: str) -> None:
    (document,) = json_lines(run("encode", "--model", model, "-", stdin="oil price war").stdout)
    (query,) = json_lines(
        run("encode", "--model", model, "--query", "-", stdin="oil price war").stdout
    )
    assert len(query["impacts"]) == 40 < len(document["impacts"])


def test_encode_tells_what_is_no_document_and_goes_on(model: str) -> None:
    result = run("encode", "--model", model, "-", stdin='{"text": \noil\n{"text": "war"}\n')
    assert result.exit_code == 1
    assert [line["_id"] for line in json_lines(result.stdout)] == ["2"]
    assert "1: invalid JSON" in result.stderr
    assert "3: no id" in result.stderr


def test_an_unknown_model_is_an_error_of_one_line() -> None:
    result = run("encode", "--model", "maxi", "-", stdin="oil")
    assert result.exit_code == 1
    assert "Error: there is no model 'maxi'" in result.stderr


def test_misuse_exits_2() -> None:
    assert run("search", "oil").exit_code == 2
    assert run("index", "--index", "x").exit_code == 2
    result = run("index", "docs.xlsx", "--index", "x")  # nothing is started for it
    assert result.exit_code == 2
    assert "docs.xlsx: documents are read from JSON Lines" in result.stderr


def test_a_cluster_that_does_not_answer_is_named(model: str, tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"_id": "a", "text": "oil"}\n')
    args = ["--index", "x", "--model", model, "--url", "http://127.0.0.1:9"]
    result = run("index", str(path), *args)
    assert result.exit_code == 1
    assert "127.0.0.1" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.opensearch
def test_index_search_and_explain(model: str, cluster_url: str, tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl"
    lines = [
        '{"_id": "a", "text": "oil crisis"}',
        '{"_id": "b", "text": "river"}',
        "{",
        '{"_id": "c"}',
    ]
    path.write_text("\n".join(lines))
    common = ["--index", "cli", "--model", model, "--url", cluster_url]
    first = run("index", str(path), *common)
    assert first.exit_code == 1
    (counts,) = json_lines(first.stdout)
    assert counts == {"indexed": 2, "unchanged": 0, "replaced": 0, "empty": 1, "dead": 1}
    assert "1 failed, with reasons in" in first.stderr
    again = json_lines(run("index", str(path), *common).stdout)
    assert again == [{"indexed": 0, "unchanged": 3, "replaced": 0, "empty": 0, "dead": 1}]
    result = run("search", "oil", "--explain", "--size", "1", *common)
    (hit,) = json_lines(result.stdout)
    assert (result.exit_code, hit["_id"], hit["_source"]["text"]) == (0, "a", "oil crisis")
    score = sum(match["score"] for match in hit["matches"])
    assert score == pytest.approx(hit["_score"], rel=1e-5)
    two_step = json_lines(run("search", "oil", "--two-step", *common).stdout)
    assert [hit["_id"] for hit in two_step][0] == "a"


@pytest.mark.opensearch
def test_an_index_of_another_model_is_refused(model: str, cluster_url: str, tmp_path: Path) -> None:
    other = build_tiny(tmp_path / "bert", n_latents=120, name="other")
    other.save(tmp_path / "other")
    path = tmp_path / "docs.jsonl"
    path.write_text('{"_id": "a", "text": "oil"}\n')
    where = ["--index", "refused", "--url", cluster_url]
    assert run("index", str(path), "--model", model, *where).exit_code == 0
    for command in (["index", str(path)], ["search", "oil"]):
        result = run(*command, "--model", str(tmp_path / "other"), *where)
        assert result.exit_code == 1
        assert "'tiny'" in result.stderr
        assert "'other'" in result.stderr
        assert "Use 'tiny' for this index, or index into a new one" in result.stderr


@pytest.mark.parametrize("module", ["splare_os.search", "splare_os.index", "splare_os.cli"])
def test_only_encoding_imports_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_answers_at_once() -> None:
    def fastest(code: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
            times.append(time.perf_counter() - start)
        return min(times)

    help_s = fastest("from splare_os.cli import main; main(['--help'], standalone_mode=False)")
    assert help_s - fastest("") < HELP_BUDGET_S


def test_every_command_has_help() -> None:
    for name, command in main.commands.items():
        assert command.help, name
        assert run(name, "--help").exit_code == 0


def test_encode_benchmark_tells_the_speed_of_a_file(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splare_os.encode.throughput.SQUARES", (64,))
    result = run("encode", "--model", model, "--benchmark", "-", stdin="oil price war\n\noil\n")
    (line,) = json_lines(result.stdout)
    assert (result.exit_code, line["texts"], line["tokens"]) == (0, 2, 8)
    assert {"tokens_per_s", "texts_per_s", "flop_per_s", "gemm_peak", "peak_bytes"} <= line.keys()


def test_an_unknown_precision_is_misuse(model: str) -> None:
    result = run("encode", "--model", model, "--dtype", "int3", "-", stdin="oil")
    assert result.exit_code == 2
    assert "dtype='int3': choose one of float32, bfloat16, float16" in result.stderr


def test_import_sae_makes_a_model_folder(tmp_path: Path) -> None:
    from sae_lens import SAE  # seconds

    save_model(tmp_path / "llama", "llama")
    config = {"architecture": "standard", "d_in": 16, "d_sae": 60, "dtype": "float32"}
    metadata = {"hook_name": "blocks.1.hook_resid_post"}
    sae = SAE.from_dict({**config, "device": "cpu", "metadata": metadata})
    torch.nn.init.normal_(sae.W_enc)
    sae.save_model(tmp_path / "sae")
    made = run(
        *("import-sae", str(tmp_path / "sae"), "--backbone", str(tmp_path / "llama")),
        *("--window", "32", "--out", str(tmp_path / "model")),
    )
    assert made.exit_code == 0, made.stderr
    (line,) = json_lines(made.stdout)
    assert line["n_latents"] == 60
    result = run("encode", "--model", str(tmp_path / "model"), "-", stdin="the oil crisis")
    (encoded,) = json_lines(result.stdout)
    assert encoded["impacts"]
    refused = run("import-sae", str(tmp_path / "llama"), "--out", str(tmp_path / "other"))
    assert refused.exit_code == 1
    assert "llama" in refused.stderr
