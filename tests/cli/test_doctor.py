"""`splare-os doctor`."""

from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from tests.cli.running import json_lines, run

pytestmark = pytest.mark.opensearch


def test_it_exits_1_only_where_something_does_not_work(
    model: str, cluster_url: str, client: OpenSearch, index: str, tmp_path: Path
) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"_id": "a", "text": "oil crisis"}')
    common = ["--index", index, "--model", model, "--url", cluster_url]
    assert run("index", str(path), *common).exit_code == 0
    result = run("doctor", *common)
    lines = json_lines(result.stdout)
    assert (result.exit_code, {line["status"] for line in lines}) == (0, {"ok"})
    assert lines[0].keys() == {"check", "status", "found", "remedy"}
    meta = client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]
    meta["splare"]["text_splare"]["fingerprint"] = "0" * 16
    client.indices.put_mapping(index=index, body={"_meta": meta})
    result = run("doctor", *common)
    failed = [line for line in json_lines(result.stdout) if line["status"] == "failure"]
    assert (result.exit_code, [line["check"] for line in failed]) == (1, ["model"])
    assert run("doctor", "--no-model", *common).exit_code == 0


def test_a_model_that_is_not_there_is_a_line(cluster_url: str, tmp_path: Path) -> None:
    args = ["--model", str(tmp_path / "nowhere"), "--url", cluster_url, "--index", "nothing*"]
    result = run("doctor", *args)
    assert result.exit_code == 1
    assert json_lines(result.stdout)[0]["status"] == "failure"
