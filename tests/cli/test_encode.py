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
