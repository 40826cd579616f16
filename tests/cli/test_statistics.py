"""`splare-os statistics`."""

from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from tests.cli.running import json_lines, run


@pytest.fixture
def filled(model: str, cluster_url: str, client: OpenSearch, index: str, tmp_path: Path) -> str:
    path = tmp_path / "docs.jsonl"
    path.write_text("".join(f'{{"_id": "{n}", "text": "oil crisis"}}\n' for n in range(20)))
    options = ["--index", index, "--model", model, "--url", cluster_url]
    assert run("index", str(path), *options).exit_code == 0
    return index


@pytest.mark.opensearch
def test_a_line_a_field_tells_what_was_taken(
    cluster_url: str, client: OpenSearch, filled: str
) -> None:
    client.delete(index=filled, id="3", params={"refresh": "true"})
    result = run("statistics", "--index", filled, "--url", cluster_url)
    (census,) = json_lines(result.stdout)
    assert result.exit_code == 0
    assert (census["index"], census["field"], census["documents"]) == (filled, "text_splare", 19)
    assert (census["is_new"], census["sampled"]) == (True, None)


@pytest.mark.opensearch
def test_young_ones_are_left(cluster_url: str, filled: str) -> None:
    result = run("statistics", "--index", filled, "--max-age", "3600", "--url", cluster_url)
    assert [census["is_new"] for census in json_lines(result.stdout)] == [False]


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--index", "nowhere"], 1, "no index 'nowhere'"),
        (["--index", "nowhere", "--sample", "0"], 2, "0 is not in the range"),
        (["--index", "nowhere", "--sample", "10001"], 2, "sample=10001: look at 1 to 10000"),
        (["--index", "nowhere", "--max-age", "-1"], 2, "max_age_s=-1.0"),
    ],
)
def test_what_cannot_be_asked_for_is_told(
    cluster_url: str, options: list[str], code: int, message: str
) -> None:
    result = run("statistics", *options, "--url", cluster_url)
    assert result.exit_code == code
    assert message in result.stderr
