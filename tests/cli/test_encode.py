import gzip
from pathlib import Path

import pytest

from tests.cli.running import json_lines, run


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


def test_a_file_may_be_compressed_and_begin_with_a_byte_order_mark(
    model: str, tmp_path: Path
) -> None:
    line = b'{"_id": "a", "text": "oil"}\n'
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + line)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(line))
    result = run("encode", "--model", model, *map(str, sorted(tmp_path.iterdir())))
    assert [one["_id"] for one in json_lines(result.stdout)] == ["a", "a"]


def test_what_is_no_utf_8_is_told_not_guessed(model: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("oil\ncaf\u00e9\n".encode("latin-1"))
    result = run("encode", "--model", model, str(tmp_path / "a.txt"))
    assert result.exit_code == 1
    assert [one["_id"] for one in json_lines(result.stdout)] == ["1"]
    assert "a.txt:2: not UTF-8" in result.stderr


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


@pytest.mark.opensearch
def test_documents_go_into_a_folder_and_from_there_into_an_index(
    model: str, tmp_path: Path, cluster_url: str, index: str
) -> None:
    source, out = tmp_path / "docs.jsonl", tmp_path / "out"
    source.write_text('{"_id": "a", "body": "oil crisis"}\n{"_id": "b", "body": "war"}\n{\n')
    arguments = ("encode", str(source), "--out", str(out), "--text-field", "body")
    result = run(*arguments, "--model", model, "--shard", "2/2", "--shard-documents", "2")
    assert json_lines(result.stdout) == [{"documents": 0, "dead": 1, "files": 1, "kept": 0}]
    result = run("index", str(out), "--index", index, "--url", cluster_url)
    assert result.exit_code == 1
    assert "is not there, or not whole" in result.stderr
    result = run(*arguments, "--model", model, "--shard-documents", "2")
    assert json_lines(result.stdout) == [{"documents": 2, "dead": 1, "files": 2, "kept": 1}]
    assert result.exit_code == 1
    assert f"1 failed, with reasons in {out}/*.dead.jsonl" in result.stderr
    result = run("index", str(out), "--index", index, "--url", cluster_url)
    assert json_lines(result.stdout)[-1]["indexed"] == 2
    assert "loading the model" not in result.stderr
    result = run("search", "oil", "--index", index, "--url", cluster_url, "--model", model)
    assert json_lines(result.stdout)[0]["_id"] == "a"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--shard", "1/2"), "--shard goes with --out"),
        (("--ray", "local"), "--ray goes with --out"),
        (("--out", "x", "--query"), "--out holds documents"),
        (("--out", "x", "--shard", "0/2"), "'0/2': give I/N"),
        (("--out", "x", "--shard", "3/2"), "'3/2': give I/N"),
    ],
)
def test_options_that_do_not_go_together_are_misuse(
    model: str, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "docs.jsonl").write_text('{"_id": "a", "text": "oil"}\n')
    result = run("encode", str(tmp_path / "docs.jsonl"), "--model", model, *arguments)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_what_was_settled_by_encoding_cannot_be_said_again(model: str, tmp_path: Path) -> None:
    (tmp_path / "docs.jsonl").write_text('{"_id": "a", "text": "oil"}\n')
    out = str(tmp_path / "out")
    assert (
        run("encode", str(tmp_path / "docs.jsonl"), "--model", model, "--out", out).exit_code == 0
    )
    for option in ("--model", "--text-field"):
        result = run("index", out, "--index", "i", option, "mini")
        assert result.exit_code == 2
        assert f"{option} was settled when the documents were encoded: omit it" in result.stderr


def test_a_folder_that_cannot_be_made_is_told(model: str, tmp_path: Path) -> None:
    (tmp_path / "docs.jsonl").write_text('{"_id": "a", "text": "oil"}\n')
    out = str(tmp_path / "docs.jsonl" / "out")
    result = run("encode", str(tmp_path / "docs.jsonl"), "--model", model, "--out", out)
    assert result.exit_code == 1
    assert "Error: [Errno 20] Not a directory" in result.stderr
