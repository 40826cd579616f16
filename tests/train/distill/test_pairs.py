import gzip
import json
from pathlib import Path

import pytest

from splare_os.errors import EvaluationError, TrainingError
from splare_os.train.distill.pairs import Pairs, Row, TrainingSet, read_pairs
from tests.evaluate.folders import save_folder
from tests.train.distilling import pairs_of, save_rows


def read(path: Path, *lines: str) -> Pairs:
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_pairs(str(path))


def test_rows_share_equal_texts(tmp_path: Path) -> None:
    pairs = read(
        tmp_path / "rows.jsonl",
        '{"query": "oil", "positive": "a", "negatives": ["b", "c"], "scores": [3, 1.5, -2]}',
        "",
        '{"query": " oil ", "positive": "b ", "negatives": ["d", "d"]}',
        '{"query": "war", "positive": "a"}',
    )
    assert (pairs.name, pairs.queries, pairs.documents) == (
        "rows.jsonl",
        ["oil", "war"],
        ["a", "b", "c", "d"],
    )
    assert pairs.rows == [Row(0, 0, (1, 2), (3.0, 1.5, -2.0)), Row(0, 1, (3, 3)), Row(1, 0)]


def test_compressed_rows_are_read_and_a_broken_stream_is_told_of(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"query": f"q{n}", "positive": f"p{n}"}) + "\n" for n in range(50))
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(lines.encode()))
    assert len(read_pairs(str(path)).rows) == 50
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TrainingError, match=r"gz, after line \d+: gzip stream broken off"):
        read_pairs(str(path))


def test_a_negative_that_another_line_calls_an_answer_is_one(tmp_path: Path) -> None:
    pairs = read(
        tmp_path / "rows.jsonl",
        '{"query": "oil", "positive": "a", "negatives": ["b"]}',
        '{"query": "oil", "positive": "b"}',
    )
    assert pairs.relevant == {0: {0, 1}}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "invalid JSON"),
        ('{"query": "q", "positive": "p", "scores": [NaN]}', "invalid JSON"),
        ('{"query": "q", "positive": "p", "scores": [1e999]}', "infinite|not all numbers|JSON"),
        ("[1]", "not an object with query and positive"),
        ('{"query": "q"}', "not an object with query and positive"),
        ('{"query": "q", "positive": "p", "negative": []}', "not an object with query and posi"),
        ('{"query": "", "positive": "p"}', "'' is no text; leave the pair out, or mend it"),
        ('{"query": "q", "positive": " "}', "' ' is no text"),
        ('{"query": "q", "positive": null}', "None is no text"),
        ('{"query": "q", "positive": "p", "negatives": ["n", ""]}', "'' is no text"),
        ('{"query": "q", "positive": "p", "negatives": [3]}', "3 is no text"),
        ('{"query": "q", "positive": "p", "negatives": null}', "negatives is None: give a list"),
        ('{"query": "q", "positive": "p", "negatives": "n"}', "negatives is 'n': give a list"),
        ('{"query": "q", "positive": "p", "negatives": {"n": 1}}', "negatives is {'n': 1}: give"),
        ('{"query": "q", "positive": "p", "scores": null}', "scores is None: give a list"),
        ('{"query": "q", "positive": "p", "scores": 0}', "scores is 0: give a list"),
        ('{"query": "q", "positive": "p", "scores": "1"}', "scores is '1': give a list"),
        ('{"query": "q", "positive": "p", "scores": {"p": 1}}', "scores is {'p': 1}: give a list"),
        ('{"query": "q", "positive": "p", "scores": [true]}', r"scores \[True\] are not all numb"),
        ('{"query": "q", "positive": "p", "scores": ["1"]}', r"scores \['1'\] are not all numbers"),
        ('{"query": "q", "positive": "p", "scores": [null]}', "are not all numbers"),
        (
            '{"query": "q", "positive": "p", "negatives": ["n"], "scores": [1]}',
            "1 teacher scores for 2 documents; give one each, the positive's first",
        ),
        (
            '{"query": "q", "positive": "p", "negatives": ["n", " p"]}',
            "the positive is among the negatives: leave it out there",
        ),
    ],
)
def test_a_line_that_is_no_row_is_refused_with_its_number(
    line: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    with pytest.raises(TrainingError, match=rf"rows\.jsonl, line 3: .*({reason})"):
        read(path, '{"query": "q", "positive": "p"}', "", line)


def test_a_source_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"rows\.jsonl has no pairs: give at least one"):
        read(tmp_path / "rows.jsonl", "", "")
    with pytest.raises(TrainingError, match=r"nowhere: no such file or folder; give pairs"):
        read_pairs(str(tmp_path / "nowhere"))
    with pytest.raises(TrainingError, match=r"nowhere:dev: no such file or folder"):
        read_pairs(f"{tmp_path / 'nowhere'}:dev")


def test_a_folder_is_read_with_the_split_that_is_asked_for(tmp_path: Path) -> None:
    folder = save_folder(tmp_path / "tiny", qrels="qrels/train.tsv")
    (folder / "qrels" / "dev.tsv").write_text("q2\td3\t1\n")
    pairs = read_pairs(str(folder))
    assert (pairs.name, pairs.queries) == ("tiny", ["water", "price of oil", "car"])
    assert pairs.documents[0] == "Oil The embargo raised the price"
    assert pairs.rows == [Row(0, 3), Row(0, 1), Row(1, 0), Row(2, 2)]
    assert pairs.relevant == {0: {1, 3}, 1: {0}, 2: {2}}  # d2 is judged 0 for q1
    dev = read_pairs(f"{folder}:dev")
    assert (dev.queries, dev.rows, len(dev.documents)) == (["car"], [Row(0, 2)], 4)
    with pytest.raises(EvaluationError, match="no judgements of the split 'test'"):
        read_pairs(f"{folder}:test")


def test_equal_texts_of_a_folder_are_one_whatever_their_ids(tmp_path: Path) -> None:
    folder = save_folder(tmp_path / "tiny", qrels="qrels/train.tsv")
    with (folder / "corpus.jsonl").open("a") as handle:
        again = {"_id": "d1b", "title": "Oil", "text": "The embargo raised the price"}
        handle.write(json.dumps(again) + "\n")
    with (folder / "queries.jsonl").open("a") as handle:
        handle.write(json.dumps({"_id": "q1b", "text": "price of oil"}) + "\n")
    (folder / "qrels" / "train.tsv").write_text("q1\td1\t1\nq3\td1b\t1\nq1b\td2\t1\n")
    pairs = read_pairs(str(folder))
    assert len(set(pairs.documents)) == len(pairs.documents) == 4
    assert len(set(pairs.queries)) == len(pairs.queries) == 2
    assert pairs.rows == [Row(0, 0), Row(1, 0), Row(0, 1)]
    assert pairs.relevant == {0: {0, 1}, 1: {0}}


def test_a_query_id_that_comes_twice_is_refused(tmp_path: Path) -> None:
    folder = save_folder(tmp_path / "tiny", qrels="qrels/train.tsv")
    n = len((folder / "queries.jsonl").read_text().splitlines())
    with (folder / "queries.jsonl").open("a") as handle:
        handle.write(json.dumps({"_id": "q1", "text": "another"}) + "\n")
    message = rf"queries\.jsonl, line {n + 1}: the id 'q1' came before"
    with pytest.raises(TrainingError, match=message):
        read_pairs(str(folder))


def test_a_document_id_that_comes_twice_is_refused(tmp_path: Path) -> None:
    folder = save_folder(tmp_path / "tiny", qrels="qrels/train.tsv")
    with (folder / "corpus.jsonl").open("a") as handle:
        handle.write(json.dumps({"_id": "d1", "text": "another"}) + "\n")
    with pytest.raises(TrainingError, match=r"corpus\.jsonl, line 5: the id 'd1' came before"):
        read_pairs(str(folder))


def test_a_folder_whose_name_has_a_colon_is_a_folder(tmp_path: Path) -> None:
    folder = save_folder(tmp_path / "a:b", qrels="qrels/train.tsv")
    assert len(read_pairs(str(folder)).rows) == 4


@pytest.mark.parametrize(
    ("file", "line", "reason"),
    [
        ("qrels/train.tsv", "q9\td1\t1", "tiny: query 'q9' is judged, but not there"),
        ("qrels/train.tsv", "q1\td9\t1", "tiny: document 'd9' is judged, but not there"),
        ("queries.jsonl", "{", r"queries\.jsonl, line 5: invalid JSON"),
    ],
)
def test_a_folder_with_a_gap_is_refused(file: str, line: str, reason: str, tmp_path: Path) -> None:
    folder = save_folder(tmp_path / "tiny", qrels="qrels/train.tsv")
    with (folder / file).open("a") as handle:
        handle.write(line + "\n")
    with pytest.raises(TrainingError, match=reason):
        read_pairs(str(folder))


def test_judged_texts_that_are_empty_are_refused(tmp_path: Path) -> None:
    folder = save_folder(tmp_path / "tiny", qrels="qrels/train.tsv")
    for file, reason in (("corpus", "a document has no text"), ("queries", "the query has no")):
        with (folder / f"{file}.jsonl").open("a") as handle:
            handle.write(json.dumps({"_id": "empty", "text": ""}) + "\n")
        judged = ("q1", "empty") if file == "corpus" else ("empty", "d1")
        (folder / "qrels" / "train.tsv").write_text("\t".join((*judged, "1")) + "\n")
        with pytest.raises(TrainingError, match=f"tiny, pair 1: {reason}"):
            read_pairs(str(folder))


def test_only_zero_grades_are_no_pairs(tmp_path: Path) -> None:
    folder = save_folder(tmp_path / "tiny", qrels="qrels/train.tsv")
    (folder / "qrels" / "train.tsv").write_text("q1\td1\t0\n")
    with pytest.raises(TrainingError, match="tiny has no pairs"):
        read_pairs(str(folder))


def test_scores_made_in_code_are_counted_too() -> None:
    with pytest.raises(TrainingError, match="toy, pair 2: 2 teacher scores for 1 documents"):
        pairs_of(Row(0, 0), Row(1, 1, (), (1.0, 2.0)))


def test_a_sample_keeps_texts_and_answers(tmp_path: Path) -> None:
    rows = [{"query": f"q{n}", "positive": f"d{n}"} for n in range(20)]
    pairs = read_pairs(save_rows(tmp_path / "rows.jsonl", rows))
    some = pairs.sampled(5, seed=3)
    assert len(some.rows) == len(set(some.rows)) == 5
    assert some.rows == pairs.sampled(5, seed=3).rows != pairs.sampled(5, seed=4).rows
    assert (some.queries, some.documents, some.relevant) == (
        pairs.queries,
        pairs.documents,
        pairs.relevant,
    )
    assert pairs.sampled(20) is pairs


def test_sources_are_counted_through() -> None:
    one = pairs_of(Row(0, 1, (2,)), Row(3, 4), name="one", n=5)
    other = pairs_of(Row(1, 0, (2,), (1.0, 2.0)), name="other", n=3)
    whole = TrainingSet.of([one, other])
    assert whole.starts == ((0, 0, 0), (5, 5, 2), (8, 8, 3))
    assert whole.rows == [Row(0, 1, (2,)), Row(3, 4), Row(6, 5, (7,), (1.0, 2.0))]
    assert whole.relevant == {0: {1}, 3: {4}, 6: {5}}
    assert (whole.queries[6], whole.documents[5]) == ("q1", "d0")
