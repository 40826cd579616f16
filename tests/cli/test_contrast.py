"""`splare-os contrast`."""

import json
from pathlib import Path

import click
import pytest
from opensearchpy import OpenSearch

from splare_os.cli.contrast import documents
from tests.cli.running import json_lines, run


@pytest.fixture
def common(
    model: str, cluster_url: str, client: OpenSearch, index: str, tmp_path: Path
) -> list[str]:
    path = tmp_path / "docs.jsonl"
    texts = [f"{'oil price' if n < 20 else 'river war'} {n}" for n in range(40)]
    lines = (json.dumps({"_id": f"d{n}", "text": text}) for n, text in enumerate(texts))
    path.write_text("\n".join(lines))
    options = ["--index", index, "--model", model, "--url", cluster_url]
    assert run("index", str(path), *options).exit_code == 0
    return options


@pytest.mark.opensearch
def test_a_line_a_latent_tells_how_it_separates(common: list[str], tmp_path: Path) -> None:
    result = run("contrast", "oil", "text:river", "--size", "3", *common)
    lines = json_lines(result.stdout)
    assert (result.exit_code, len(lines)) == (0, 3)
    assert {abs(float(str(line["difference"]))) for line in lines} == {1.0}
    assert all(float(str(line["q"])) < 0.001 for line in lines)
    assert "A: 20 of 20 documents\nB: 20 of 20 documents" in result.stderr
    (tmp_path / "a").write_text("".join(f"d{n}\n" for n in range(20)))
    (tmp_path / "b").write_text("".join(f'{{"_id": "d{n}", "_score": 1}}\n' for n in range(20, 41)))
    by_ids = run("contrast", f"@{tmp_path}/a", f"@{tmp_path}/b", "--size", "3", *common)
    assert json_lines(by_ids.stdout) == lines
    assert "B: 20 of 20 documents, 1 ids not there" in by_ids.stderr
    by_query = run("contrast", '{"match": {"text": "oil"}}', "river", "--size", "3", *common)
    assert json_lines(by_query.stdout) == lines


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("sets", "code", "message"),
    [
        (("oil", "price"), 2, "20 documents are in both sets"),
        (("oil", "zebra"), 2, "set B has no documents"),
        (("oil", "text:("), 1, "OpenSearch: "),
        (("oil", '{"match": '), 2, "is no JSON"),
        (("oil", "@nowhere"), 2, "nowhere: no ids can be read"),
    ],
)
def test_sets_that_cannot_be_compared_are_told(
    common: list[str], sets: tuple[str, str], code: int, message: str
) -> None:
    result = run("contrast", *sets, *common)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


@pytest.mark.opensearch
def test_what_is_shared_can_be_dropped(common: list[str]) -> None:
    result = run("contrast", "oil", "oil river", "--drop-overlap", *common)
    assert "set A has no documents: 20 match" in result.stderr
    result = run("contrast", "oil", "d0 OR 3 OR river", "--drop-overlap", *common)
    assert result.exit_code == 0
    assert "A: 19 of 20 documents, 1 left out as they are in both sets" in result.stderr


def test_a_file_has_an_id_on_each_line(tmp_path: Path) -> None:
    path = tmp_path / "ids"
    path.write_text('a\n\n b c \n{"_id": "d"}\n')
    assert documents(f"@{path}") == ["a", "b c", "d"]
    path.write_text('\ufeffa\r\n{"_id": "d", "_source": {"text": "a\u2028b\x85c"}}\n', newline="")
    assert documents(f"@{path}") == ["a", "d"]
    path.write_text('{"id": "d"}')
    with pytest.raises(click.UsageError, match="KeyError"):
        documents(f"@{path}")


def test_what_begins_with_a_brace_is_query_dsl() -> None:
    assert documents(' {"match_all": {}}') == {"match_all": {}}
    assert documents("title:oil AND NOT war") == "title:oil AND NOT war"
