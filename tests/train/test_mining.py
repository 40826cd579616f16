import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from opensearchpy import OpenSearch

from splare_os.cli.main import main
from splare_os.errors import TrainingError
from splare_os.evaluate.datasets import DataSet, read_dataset
from splare_os.evaluate.indexing import index_name
from splare_os.train.distill.pairs import read_pairs
from splare_os.train.mining import MinedRow, MineOptions, mine, save_rows
from tests.evaluate.folders import write
from tests.hashing import HashEncoder

TEXTS = {
    "d1": "oil oil oil oil price",
    "d2": "oil oil oil price water",
    "d3": "oil oil price water salt sea",
    "d4": "oil price water salt sea sand wind",
    "d5": "bread",
    "d6": "flour",
    "d7": "oil oil oil oil price",  # d1 once more
    "d8": "",
    "d9": "wheels",
}
NEAR = [TEXTS[name] for name in ("d2", "d3", "d4")]
"""What is nearest to oil, apart from d1."""
OPTIONS = MineOptions(negatives=2)


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mined"
    write(folder / "corpus.jsonl", [{"_id": n, "text": text} for n, text in TEXTS.items()])
    queries = {"q1": "oil price", "q2": "bread", "d9": "wheels", "q4": "nothing"}
    write(folder / "queries.jsonl", [{"_id": n, "text": text} for n, text in queries.items()])
    judged = [("q1", "d1", 1), ("q1", "d2", 0), ("q2", "d5", 1), ("q2", "d8", 1), ("d9", "d4", 1)]
    (folder / "qrels").mkdir()
    lines = ["\t".join(map(str, judgement)) for judgement in judged]
    (folder / "qrels" / "train.tsv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def data(folder: Path) -> DataSet:
    return read_dataset(folder, "mined", split="train")


@pytest.fixture
def indices(data: DataSet, client: OpenSearch) -> Iterator[None]:
    names = index_name(data, HashEncoder().fingerprint, "", "400"), index_name(data, "bm25")
    yield
    client.indices.delete(index=",".join(names), ignore_unavailable=True)


def by_query(rows: list[MinedRow]) -> dict[str, MinedRow]:
    return {row["query"]: row for row in rows}


@pytest.mark.opensearch
@pytest.mark.usefixtures("indices")
@pytest.mark.parametrize("by_model", [False, True])
def test_negatives_are_the_best_hits_that_do_not_answer(
    *, by_model: bool, client: OpenSearch, data: DataSet, tmp_path: Path
) -> None:
    encoder = HashEncoder() if by_model else None
    rows = list(mine(client, data, encoder, OPTIONS))
    assert [(row["query"], row["positive"]) for row in rows] == [
        ("oil price", TEXTS["d1"]),
        ("bread", TEXTS["d5"]),  # d8 answers too, but has no text
        ("wheels", TEXTS["d4"]),
    ]
    found = by_query(rows)
    assert set(found["oil price"]["negatives"]) <= set(NEAR)
    assert "wheels" not in found["wheels"]["negatives"]  # the query itself is a document
    for row in rows:
        assert len(set(row["negatives"])) == 2
        assert row["positive"] not in row["negatives"]
        assert "" not in row["negatives"]
    assert rows == list(mine(client, data, encoder, OPTIONS))
    path = tmp_path / "rows.jsonl"
    assert save_rows(rows, path) == 3
    assert {len(row.negatives) for row in read_pairs(str(path)).rows} == {2}
    assert {p.name for p in tmp_path.glob("rows*")} == {"rows.jsonl"}


@pytest.mark.opensearch
@pytest.mark.usefixtures("indices")
def test_the_best_hits_are_passed_over_and_not_drawn_again(
    client: OpenSearch, data: DataSet
) -> None:
    ranking = by_query(list(mine(client, data, None, replace(OPTIONS, negatives=3))))["oil price"]
    assert sorted(ranking["negatives"]) == sorted(NEAR)
    best, second, third = ranking["negatives"]
    skipped = by_query(list(mine(client, data, None, replace(OPTIONS, skip=1))))["oil price"]
    assert skipped["negatives"] == [second, third]
    for seed in range(5):
        options = replace(OPTIONS, skip=2, seed=seed)
        rows = list(mine(client, data, None, options))
        drawn = by_query(rows)["oil price"]["negatives"]
        assert drawn[0] == third
        assert drawn[1] in {"bread", "flour", "wheels"}
        assert best not in drawn
        assert rows == list(mine(client, data, None, options))


@pytest.mark.opensearch
@pytest.mark.usefixtures("indices")
def test_the_command_writes_rows_and_prints_one_line(
    client: OpenSearch, cluster_url: str, folder: Path, data: DataSet, tmp_path: Path
) -> None:
    out = tmp_path / "rows.jsonl"
    args = (str(folder), "--out", str(out), "--url", cluster_url, "--negatives", "2")
    result = CliRunner().invoke(main, ["train", "mine", *args])
    assert result.exit_code == 0, result.output
    assert list(map(json.loads, result.stdout.splitlines())) == [{"rows": 3, "out": str(out)}]
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert rows == list(mine(client, data, None, OPTIONS))


def test_a_place_where_no_rows_can_be_written_is_refused_before_any_work(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splare_os.cli.train_mine.connect", None)  # the cluster is not started
    for out, reason in (
        (tmp_path / "nope" / "rows.jsonl", "there is no folder"),
        (folder, "is a directory"),
    ):
        result = CliRunner().invoke(main, ["train", "mine", str(folder), "--out", str(out)])
        assert (result.exit_code, result.stdout) == (2, "")
        assert reason in result.stderr


def test_too_small_a_corpus_is_refused(data: DataSet) -> None:
    for options in (MineOptions(negatives=5), MineOptions(negatives=3, skip=2)):
        message = "mined has 7 different texts, up to 2 of them relevant to a query: too few"
        with pytest.raises(TrainingError, match=message):
            next(mine(None, data, None, options))  # type: ignore[arg-type]


def test_a_stop_leaves_no_rows_and_an_older_file_as_it_was(tmp_path: Path) -> None:
    def broken() -> Iterator[MinedRow]:
        yield {"query": "q", "positive": "p", "negatives": []}
        raise KeyboardInterrupt

    path = tmp_path / "rows.jsonl"
    path.write_text("older")
    with pytest.raises(KeyboardInterrupt):
        save_rows(broken(), path)
    assert path.read_text() == "older"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"negatives": 0}, "negatives=0: give a number above 0"),
        ({"skip": -1}, "skip=-1: give a number at least 0"),
    ],
)
def test_numbers_that_nothing_can_be_mined_with_are_refused(
    change: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        MineOptions(**change)  # type: ignore[arg-type]  # mypy sees one type for all
