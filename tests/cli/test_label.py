"""`splare-os label`."""

import json
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from tests.cli.running import json_lines, run

WORDS = ("oil", "crisis", "price", "war", "embargo", "river")


@pytest.fixture
def common(
    model: str, cluster_url: str, client: OpenSearch, index: str, tmp_path: Path
) -> list[str]:
    """The options of labels of an index, kept in one of their own."""
    path = tmp_path / "docs.jsonl"
    texts = (f"{WORDS[n % 6]} {WORDS[n * n % 5]} {n}" for n in range(40))
    lines = (json.dumps({"_id": f"d{n}", "text": text}) for n, text in enumerate(texts))
    path.write_text("\n".join(lines))
    options = ["--index", index, "--model", model, "--url", cluster_url]
    assert run("index", str(path), *options).exit_code == 0
    return [*options, "--label-index", f"{index}-labels"]


@pytest.mark.opensearch
def test_labels_of_an_index_are_made_shown_and_found(common: list[str]) -> None:
    result = run("label", "--most", "20", *common)
    (told,) = json_lines(result.stdout)
    assert result.exit_code == 0
    assert (told["labelled"], told["before"]) == (20, 0)
    assert told.keys() == {"labelled", "before", "measured", "score", "baseline"}
    (again,) = json_lines(run("label", "--most", "22", *common).stdout)
    assert (again["labelled"], again["before"]) == (2, 20)
    found = json_lines(run("label", "--find", "oil", *common).stdout)
    assert found
    assert "oil" in str(found[0])
    shown = run("label", "--show", str(found[0]["latent"]), *common)
    assert json_lines(shown.stdout) == found[:1]


@pytest.mark.opensearch
def test_an_export_is_labelled_and_tried_on_an_index(common: list[str], tmp_path: Path) -> None:
    shared = {"modelId": "m", "layer": "1-x", "explanationModelName": "gpt", "typeName": "t"}
    lines = [shared | {"index": str(n), "description": f"about {WORDS[n]}"} for n in range(5)]
    path = tmp_path / "batch-0.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    (told,) = json_lines(run("label", "--neuronpedia", str(path), *common).stdout)
    assert (told["labelled"], told["explanations"]) == (5, 5)
    assert told["source"] == "neuronpedia m/1-x"
    (label,) = json_lines(run("label", "--show", "3", *common).stdout)
    assert (label["label"], label["explainer"]) == ("about war", "gpt t")


@pytest.mark.opensearch
def test_what_cannot_be_labelled_or_shown_is_told(common: list[str], tmp_path: Path) -> None:
    nothing = run("label", *common[2:])
    assert (nothing.exit_code, "give --index, --neuronpedia" in nothing.stderr) == (2, True)
    for odd in (["--explainer", "gpt"], ["--neuronpedia", "x", "--most", "3"]):
        assert run("label", *odd, *common).exit_code == 2
    unlabelled = run("label", "--show", "3", *common)
    assert (unlabelled.exit_code, "no labels in" in unlabelled.stderr) == (1, True)
    run("label", "--most", "1", *common)
    unknown = run("label", "--show", "99999", *common)
    assert (unknown.exit_code, "latent 99999" in unknown.stderr) == (2, True)
    empty = tmp_path / "e.jsonl"
    empty.write_text("{}")
    broken = run("label", "--neuronpedia", str(empty), *common)
    assert (broken.exit_code, "no explanation" in broken.stderr) == (1, True)
