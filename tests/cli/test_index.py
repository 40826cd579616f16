from dataclasses import replace
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.layout import PIPELINE, put_pipeline, read_records
from tests.cli.running import json_lines, run
from tests.models import build_tiny


def test_a_cluster_that_does_not_answer_is_named(model: str, tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"_id": "a", "text": "oil"}\n')
    args = ["--index", "x", "--model", model, "--url", "http://127.0.0.1:9"]
    result = run("index", str(path), *args)
    assert result.exit_code == 1
    assert "127.0.0.1" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("top_k", "message"),
    [
        ("401", "top_k=401: the model 'tiny' gives at most 400 impacts of a document"),
        ("32768", "top_k=32768: keep 1 to 32767"),
        ("0", "0 is not in the range"),
    ],
)
def test_a_cut_that_cannot_be_kept_is_misuse(
    model: str, tmp_path: Path, top_k: str, message: str
) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"_id": "a", "text": "oil"}\n')
    where = ["--index", "x", "--model", model, "--url", "http://127.0.0.1:9"]
    result = run("index", str(path), "--top-k", top_k, *where)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.opensearch
def test_without_a_cut_an_index_keeps_its_own_and_a_new_one_what_the_model_gives(
    client: OpenSearch, cluster_url: str, tmp_path: Path
) -> None:
    encoder = build_tiny(tmp_path / "bert")
    path, folder = tmp_path / "docs.jsonl", tmp_path / "model"
    path.write_text('{"_id": "a", "text": "the oil crisis"}\n')
    common = ["--model", str(folder), "--url", cluster_url]
    for index, own, outcome, kept in (
        ("cut-old", 400, "indexed", 400),
        ("cut-old", 7, "unchanged", 400),
        ("cut-new", 7, "indexed", 7),
    ):
        encoder.card = replace(encoder.card, document_top_k=own)
        encoder.save(folder)
        (counts,) = json_lines(run("index", str(path), "--index", index, *common).stdout)
        assert counts[outcome] == 1
        assert read_records(client, index)[index]["text_splare"].top_k == kept
        assert json_lines(run("search", "oil", "--index", index, *common).stdout)


@pytest.mark.opensearch
def test_a_run_counts_what_became_of_each_line(
    model: str, cluster_url: str, tmp_path: Path
) -> None:
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
    assert f"1 failed, such as {path}:3 (invalid JSON: " in first.stderr
    assert "), with reasons in " in first.stderr
    again = json_lines(run("index", str(path), *common).stdout)
    assert again == [{"indexed": 0, "unchanged": 3, "replaced": 0, "empty": 0, "dead": 1}]


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
        assert (
            "Use 'tiny' for this index, or give 'other' an index, or an impacts field, of"
            in result.stderr
        )


@pytest.mark.opensearch
def test_files_of_several_formats_are_indexed_by_one_pattern(
    model: str, cluster_url: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text('doc,text,title\n1,"oil\ncrisis",T\n2,river,\n')
    (tmp_path / "b.jsonl").write_text('{"doc": "3", "text": "oil"}\n')
    common = ["--index", "several", "--model", model, "--url", cluster_url, "--id-field", "doc"]
    result = run("index", str(tmp_path / "*.*[lv]"), *common, "--hash-sources")
    (counts,) = json_lines(result.stdout)
    assert (counts["indexed"], counts["dead"]) == (3, 0)


def test_files_or_letters_are_indexed_never_both_nor_none() -> None:
    for args in ((), ("--replay", "docs.jsonl")):
        result = run("index", *args, "--index", "x")
        assert result.exit_code == 2
        assert "give FILES, or --replay" in result.stderr


@pytest.mark.parametrize("option", ["--dry-run", "--status", "--restart", "--compact"])
def test_letters_are_not_sent_where_something_else_is_asked_for(option: str) -> None:
    where = ["--index", "x", "--url", "http://127.0.0.1:9"]
    result = run("index", "--replay", option, *where)
    assert result.exit_code == 2
    assert f"{option} says nothing of letters to be sent again" in result.stderr


@pytest.mark.opensearch
def test_letters_of_pipelines_are_counted_and_those_that_fail_again_told(
    client: OpenSearch, cluster_url: str, index: str
) -> None:
    put_pipeline(client)
    client.indices.create(index=index, body={"settings": {"default_pipeline": PIPELINE}})
    client.index(index=index, id="bad", body={"text_splare": 7})
    result = run("index", "--replay", "--index", index, "--url", cluster_url)
    assert (result.exit_code, json_lines(result.stdout)) == (1, [{"indexed": 0, "dead": 1}])
    assert "bad: refused again" in result.stderr
