import json
from pathlib import Path

import pytest

from benchmarks.bootstrap import interval, mean_of_sets
from benchmarks.generalisation import by_group, by_set, differences, figures
from benchmarks.groups import CHOICE, SEEN, UNSEEN, group
from benchmarks.held_out import from_judged, from_texts
from splare_os.evaluate.datasets import read_dataset
from tests.evaluate.folders import write

FOUND = {
    ("npl", "bm25"): {"a": 0.5, "b": 0.0},
    ("npl", "mini"): {"a": 1.0, "b": 0.5},
    ("squad-dev", "bm25"): {"a": 0.25},
    ("squad-dev", "mini"): {"a": 0.25},
    ("medline", "bm25"): {"a": 0.75},
    ("medline", "mini"): {"a": 0.5},
}


def column(folder: Path, key: str) -> list[str]:
    lines = (folder / "corpus.jsonl").read_text().splitlines()
    return [json.loads(line)[key] for line in lines]


def test_no_data_set_is_in_two_groups() -> None:
    assert len({*UNSEEN, *CHOICE, *SEEN}) == len(UNSEEN) + len(CHOICE) + len(SEEN)
    with pytest.raises(ValueError, match="xquad-de: it has no group"):
        group("xquad-de")


def test_means_count_data_sets_alike_with_their_intervals() -> None:
    assert mean_of_sets([[0.5, 0.0], [0.75]]) == 0.5
    assert interval([[0.5], [0.25]]) == (0.375, 0.375)  # nothing else can be drawn
    low, high = interval([[0.0, 1.0] * 50])
    # a mean of 100 coin tosses: 0.5 ± 1.96 * 0.05
    assert low == pytest.approx(0.402, abs=0.01)
    assert high == pytest.approx(0.598, abs=0.01)


def test_the_tables_tell_groups_sets_and_paired_differences() -> None:
    lines = by_group(FOUND).splitlines()
    assert lines[0] == "| system | unseen (2 sets) | choice (1 sets) |"
    assert lines[2].startswith("| bm25 | 0.5000 [")
    assert lines[3].endswith("| 0.2500 [0.250, 0.250] |")
    assert by_set(FOUND).splitlines()[2] == "| medline | unseen | 1 | 0.7500 | 0.5000 |"
    (line,) = differences(FOUND, [("mini", "bm25")]).splitlines()[2:]
    # npl gains a half on either query, medline loses a quarter: whatever is drawn
    assert line == "| mini − bm25 | +0.1250 [+0.125, +0.125] | +0.0000 [+0.000, +0.000] |"


def test_rows_give_the_figures_of_their_queries() -> None:
    row = {"dataset": "npl", "system": "bm25", "by_query": {"a": 0.5}}
    assert figures([row]) == {("npl", "bm25"): {"a": 0.5}}


def test_files_of_passages_and_pairs_become_a_data_set(tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl", [{"text": "one"}, {"text": "two"}, {"text": "one"}])
    (tmp_path / "x.jsonl").rename(tmp_path / "x.jsonl.gz")
    pairs = [{"query": "1?", "positive": "one"}, {"query": "3?", "positive": "three"}]
    write(tmp_path / "x.pairs.jsonl", pairs)
    (tmp_path / "x.pairs.jsonl").rename(tmp_path / "x.pairs.jsonl.gz")
    from_texts(tmp_path, "x", tmp_path / "made", queries=10)
    assert column(tmp_path / "made", "text") == ["one", "two", "three"]  # equal texts are one
    data = read_dataset(tmp_path / "made", "made")
    assert data.qrels == {"q0": {"0": 1}, "q1": {"2": 1}}
    assert data.queries == {"q0": "1?", "q1": "3?"}


def test_a_split_becomes_a_data_set_of_what_it_judges(tmp_path: Path) -> None:
    folder = tmp_path / "from"
    folder.mkdir()
    write(folder / "corpus.jsonl", [{"_id": str(n), "text": f"text {n}"} for n in range(4)])
    write(folder / "queries.jsonl", [{"_id": "a", "text": "1?"}, {"_id": "b", "text": "2?"}])
    (folder / "qrels-val.tsv").write_text("a\t1\t1\nb\t3\t2\n")
    from_judged(folder, "val", tmp_path / "made", queries=1)
    data = read_dataset(tmp_path / "made", "made")
    assert len(data.queries) == 1
    assert column(tmp_path / "made", "_id") == ["1", "3"]
