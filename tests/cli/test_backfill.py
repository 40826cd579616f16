"""`splare-os backfill`."""

import json
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from tests.cli.running import json_lines, run


@pytest.mark.opensearch
def test_documents_of_an_index_that_is_there_are_found_by_their_latents(
    model: str, cluster_url: str, client: OpenSearch, index: str
) -> None:
    texts = ["oil crisis", "bees and honey", 5]
    for n, text in enumerate(texts):
        client.index(index=index, id=str(n), body={"body": text}, refresh=True)
    options = ["--index", index, "--model", model, "--url", cluster_url]
    result = run("backfill", "--text-field", "body", *options)
    (counts,) = json_lines(result.stdout)
    assert (counts["indexed"], counts["dead"]) == (2, 1)
    assert result.exit_code == 1
    letters = Path(result.stderr.splitlines()[-1].split("reasons in ")[1])
    assert json.loads(letters.read_bytes())["_id"] == "2"
    found = run("search", "oil crisis", "--text-field", "body", *options)
    assert json_lines(found.stdout)[0]["_id"] == "0"
    again = run("backfill", "--text-field", "body", *options)
    assert again.exit_code == 0
    assert set(json_lines(again.stdout)[0].values()) == {0}


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--index", "nowhere"], 1, "no index 'nowhere'"),
        (["--index", "now*"], 2, "name one index or alias"),
        (["--index", "nowhere", "--where", "{"], 2, "no JSON"),
        (["--index", "nowhere", "--where", "[]"], 2, "give a query, such as"),
        (["--index", "nowhere", "--max-rate", "0"], 2, "max_rate=0.0"),
    ],
)
def test_what_cannot_be_done_is_told(
    model: str, cluster_url: str, options: list[str], code: int, message: str
) -> None:
    result = run("backfill", *options, "--model", model, "--url", cluster_url)
    assert result.exit_code == code
    assert message in result.stderr
