"""`splare-os search`."""

from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from tests.cli.running import json_lines, run

LINES = ['{"_id": "a", "text": "oil crisis"}', '{"_id": "b", "text": "river"}']


@pytest.fixture
def common(
    model: str, cluster_url: str, client: OpenSearch, index: str, tmp_path: Path
) -> list[str]:
    """The options of a search in an index that keeps calibrated impacts."""
    path = tmp_path / "docs.jsonl"
    path.write_text("\n".join(LINES))
    options = ["--index", index, "--model", model, "--url", cluster_url]
    assert run("index", str(path), *options).exit_code == 0
    return options


@pytest.mark.opensearch
def test_hits_are_explained_by_shares_of_their_score(common: list[str]) -> None:
    result = run("search", "oil", "--explain", "--size", "1", *common)
    (hit,) = json_lines(result.stdout)
    assert (result.exit_code, hit["_id"], hit["_source"]["text"]) == (0, "a", "oil crisis")
    score = sum(match["score"] for match in hit["matches"])
    assert score == pytest.approx(hit["_score"], rel=1e-5)


@pytest.mark.opensearch
def test_two_steps_find_the_same_first(common: list[str]) -> None:
    two_step = json_lines(run("search", "oil", "--two-step", *common).stdout)
    assert [hit["_id"] for hit in two_step][0] == "a"


@pytest.mark.opensearch
def test_a_dot_product_is_of_an_index_that_was_made_for_it(
    common: list[str], index: str, tmp_path: Path
) -> None:
    refused = run("search", "oil", "--scoring", "dot", *common)
    assert refused.exit_code == 1
    assert f"scoring='dot': {index} keeps saturated impacts" in refused.stderr
    plain = ["--index", f"{index}-plain", *common[2:]]
    run("index", str(tmp_path / "docs.jsonl"), "--scoring", "dot", *plain)
    scores = {
        scoring: json_lines(run("search", "oil", "--scoring", scoring, *plain).stdout)[0]["_score"]
        for scoring in ("dot", "calibrated")
    }
    calibrated = json_lines(run("search", "oil", *common).stdout)[0]["_score"]
    assert scores["calibrated"] == pytest.approx(calibrated, rel=0.01)
    assert scores["dot"] != pytest.approx(calibrated, rel=0.01)


@pytest.mark.opensearch
def test_explanations_have_the_labels_of_latents(
    common: list[str], client: OpenSearch, index: str, tmp_path: Path
) -> None:
    client.indices.delete(index="splare-labels", ignore_unavailable=True)
    explained = ("search", "oil", "--explain", "--size", "1", *common)
    (bare,) = json_lines(run(*explained).stdout)
    latents = [match["latent"] for match in bare["matches"]]
    assert {match["label"] for match in bare["matches"]} == {None}
    export = tmp_path / "explanations.jsonl"
    export.write_text(f'{{"index": "{latents[0]}", "description": "crude oil"}}')
    run("label", "--neuronpedia", str(export), *common[2:])
    (hit,) = json_lines(run(*explained).stdout)
    labels = {match["latent"]: match["label"] for match in hit["matches"]}
    assert labels == dict.fromkeys(latents) | {latents[0]: "crude oil"}
    client.indices.delete(index="splare-labels")
