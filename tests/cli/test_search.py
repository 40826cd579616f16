"""`splare-os search`."""

import json
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.cli.options import print_json
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


def hits(common: list[str], *args: str) -> list[dict[str, object]]:
    return json_lines(run("search", *args, *common).stdout)


@pytest.mark.opensearch
def test_hits_are_explained_by_shares_of_their_score(common: list[str]) -> None:
    result = run("search", "oil", "--explain", "--size", "1", *common)
    (hit,) = json_lines(result.stdout)
    assert (result.exit_code, hit["_id"], hit["_source"]["text"]) == (0, "a", "oil crisis")
    score = sum(match["score"] for match in hit["matches"])
    assert score == pytest.approx(hit["_score"], rel=1e-5)


@pytest.mark.opensearch
def test_of_several_impacts_of_a_text_one_is_named(
    common: list[str], client: OpenSearch, index: str
) -> None:
    assert hits(common, "oil", "--impacts-field", "text_splare")
    records = client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]["splare"]
    second = {
        "properties": {"text_2_splare": {"properties": {"impacts": {"type": "rank_features"}}}}
    }
    second["_meta"] = {"splare": records | {"text_2_splare": records["text_splare"]}}
    client.indices.put_mapping(index=index, body=second)
    assert hits(common, "oil", "--impacts-field", "text_2_splare") == []


@pytest.mark.opensearch
@pytest.mark.parametrize("how", [[], ["--hybrid"], ["--two-step"]])
def test_hits_of_indices_that_share_ids_are_told_apart(
    common: list[str], client: OpenSearch, index: str, tmp_path: Path, how: list[str]
) -> None:
    (tmp_path / "more.jsonl").write_text(LINES[0])
    both = ["--index", f"{index}-2", *common[2:]]
    assert run("index", str(tmp_path / "more.jsonl"), *both).exit_code == 0
    client.indices.refresh(index=f"{index}*")
    client.indices.put_alias(index=f"{index},{index}-2", name=f"{index}-all")
    found = hits(["--index", f"{index}-all", *common[2:]], "oil", "--size", "2", *how)
    assert {(hit["_index"], hit["_id"]) for hit in found} == {(index, "a"), (f"{index}-2", "a")}


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


def test_filters_restrict_words_and_latents(common: list[str]) -> None:
    found = {
        arguments: [
            hit["_id"] for hit in json_lines(run("search", "oil river", *arguments, *common).stdout)
        ]
        for arguments in (
            ("--filter", "text:river"),
            ("--filter", '{"match": {"text": "river"}}', "--hybrid"),
            ("--filter", "text:river", "--hybrid", "--native"),
            ("--filter", "text:river", "--filter", "text:oil"),
            ("--from", "1"),
            ("--from", "1", "--hybrid", "--size", "1"),
        )
    }
    assert [sorted(ids) for ids in found.values()][:4] == [["b"], ["b"], ["b"], []]
    assert [len(ids) for ids in found.values()][4:] == [1, 1]


@pytest.mark.opensearch
def test_passages_that_matched_are_given(common: list[str]) -> None:
    (hit, *_) = hits(common, "oil", "--highlight")
    assert hit.keys() == {"_index", "_id", "_score", "_source", "highlight"}
    assert all("<em>" in one for one in hit["highlight"])
    assert hits(common, "oil", "--highlight", "--explain")[0].keys() > {"highlight", "matches"}


@pytest.mark.opensearch
def test_a_filter_that_cannot_hold_is_told(common: list[str]) -> None:
    missing = run("search", "oil", "--filter", "txt:river", *common)
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "has no field 'txt' to filter by" in missing.stderr
    nonsense = run("search", "oil", "--filter", '{"nonsense": {}}', *common)
    assert (nonsense.exit_code, nonsense.stdout) == (1, "")
    assert "unknown query [nonsense]" in nonsense.stderr


@pytest.mark.opensearch
def test_hits_have_the_fields_that_are_asked_for(common: list[str]) -> None:
    for more in ((), ("--explain",), ("--hybrid",)):
        source = hits(common, "oil", "--fields", "text,text_splare.count", *more)[0]["_source"]
        assert source.keys() == {"text", "text_splare"}, more
        assert source["text_splare"].keys() == {"count"}, more


@pytest.mark.opensearch
def test_a_hybrid_is_fused_as_a_name_or_a_file_says(common: list[str], tmp_path: Path) -> None:
    by_ranks = json_lines(run("search", "oil", "--hybrid", *common).stdout)
    assert by_ranks[0]["_score"] == pytest.approx(2 / 61)
    path = tmp_path / "fusion.json"
    path.write_text('{"method": "weighted", "weights": [0.4, 0.6]}')
    for fusion, *more in ((str(path),), (str(path), "--native"), ("weighted",)):
        args = ["--hybrid", "--fusion", fusion, *more, *common]
        assert json_lines(run("search", "oil", *args).stdout)[0]["_score"] == pytest.approx(1.0)


@pytest.mark.opensearch
def test_a_cluster_that_fuses_several_shards_is_told_of_in_one_line(
    common: list[str], client: OpenSearch, index: str, tmp_path: Path
) -> None:
    three = ["--index", f"{index}-three", *common[2:]]
    shards = ["--setting", "number_of_shards=3"]
    assert run("index", str(tmp_path / "docs.jsonl"), *shards, *three).exit_code == 0
    result = run("search", "oil", "--hybrid", "--native", *three)
    assert (result.exit_code, json_lines(result.stdout)[0]["_id"]) == (0, "a")
    (line,) = (line for line in result.stderr.splitlines() if "several shards" in line)
    assert line.startswith(f"'{index}-three' has several shards: the cluster fuses")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--filter", "text"], "filter 'text': write field:value"),
        (["--native"], "--native is for --hybrid"),
        (["--fusion", "f.json"], "--fusion is for --hybrid"),
        (["--hybrid", "--fusion", "nowhere.json"], "nowhere.json: it is none of rrf"),
        (["--hybrid", "--size", "101"], "hits up to rank 101"),
        (["--hybrid", "--native", "--two-step"], "two_step: the cluster cannot fuse it"),
        (["--from", "-1"], "start=-1"),
        (["--size", "0"], "size=0"),
    ],
)
def test_misuse_exits_2_before_anything_is_loaded(args: list[str], message: str) -> None:
    result = run("search", "oil", "--index", "i", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert "loading" not in result.stderr


@pytest.mark.parametrize("query", ["", "  \n"])
def test_a_query_without_words_is_misuse(query: str) -> None:
    result = run("search", query, "--index", "i")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"QUERY {query!r} has no words: give one, or --like" in result.stderr


def test_a_document_with_half_of_a_surrogate_pair_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hit = {"_id": "a", "_source": {"text": "é, half \ud83d"}}
    print_json(hit)
    (line,) = capsys.readouterr().out.splitlines()
    assert "é, half \\ud83d" in line
    assert json.loads(line) == hit
