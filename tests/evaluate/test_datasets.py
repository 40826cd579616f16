from dataclasses import replace
from pathlib import Path

import pytest

from splare_os.errors import EvaluationError
from splare_os.evaluate.datasets import names, read_dataset, read_qrels
from tests.evaluate.folders import CORPUS, QUERIES, save_folder, write


def test_both_layouts_of_a_folder_give_the_same_data_set(tmp_path: Path) -> None:
    beir = read_dataset(save_folder(tmp_path / "a"), "tiny")
    flat = save_folder(tmp_path / "b", qrels="qrels.tsv", header=False, suffix=".jsonl.gz")
    assert read_dataset(flat, "tiny") == replace(beir, corpus=flat / "corpus.jsonl.gz")
    assert beir.documents == 4
    assert beir.qrels["q3"] == {"d4": 2, "d2": 1}


def test_judged_queries_come_in_the_order_of_the_judgements(tmp_path: Path) -> None:
    data = read_dataset(save_folder(tmp_path), "tiny")
    assert list(data.queries.items()) == [("q3", "water"), ("q1", "price of oil"), ("q2", "car")]


def test_a_limit_keeps_the_first_judged_queries(tmp_path: Path) -> None:
    data = read_dataset(save_folder(tmp_path), "tiny", limit=2)
    assert list(data.queries) == list(data.qrels) == ["q3", "q1"]
    with pytest.raises(ValueError, match="queries=0: evaluate at least one"):
        read_dataset(tmp_path, "tiny", limit=0)


def test_another_split_has_its_own_file(tmp_path: Path) -> None:
    save_folder(tmp_path)
    (tmp_path / "qrels-dev.tsv").write_text("q2\td3\t1\n")
    assert list(read_dataset(tmp_path, "tiny", split="dev").queries) == ["q2"]
    with pytest.raises(EvaluationError, match=r"'train': none of .*; it has qrels/test.tsv, qrels"):
        read_dataset(tmp_path, "tiny", split="train")


def test_the_fingerprint_is_that_of_the_corpus(tmp_path: Path) -> None:
    before = read_dataset(save_folder(tmp_path), "tiny").fingerprint
    write(tmp_path / "queries.jsonl", QUERIES[:0:-1])
    assert read_dataset(tmp_path, "other").fingerprint == before
    write(tmp_path / "corpus.jsonl", CORPUS[:3])
    assert read_dataset(tmp_path, "tiny").fingerprint != before


def test_a_query_that_is_a_document_under_its_own_id_is_known(tmp_path: Path) -> None:
    save_folder(tmp_path)
    same_text = {"_id": "q1", "title": "A title", "text": "price of oil "}
    same_id_only = {"_id": "q2", "title": "", "text": "something else"}
    write(tmp_path / "corpus.jsonl", [*CORPUS, same_text, same_id_only])
    assert read_dataset(tmp_path, "tiny").own == {"q1"}


@pytest.mark.parametrize("name", ["corpus", "queries"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (save_folder(tmp_path) / f"{name}.jsonl").unlink()
    with pytest.raises(EvaluationError, match=f"has no {name}.jsonl and no {name}.jsonl.gz"):
        read_dataset(tmp_path, "tiny")


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("corpus", "{", "corpus.jsonl, line 5: invalid JSON"),
        ("corpus", '{"text": "no id"}', "corpus.jsonl, line 5: no id"),
        ("corpus", '{"_id": "d2", "text": ""}', "line 5: the id 'd2' came before"),
        (
            "queries",
            '{"_id": "q3", "text": "oil"}',
            "line 5: the id 'q3' came before",
        ),
        ("queries", '{"_id": "q4", "text": 4}', "queries.jsonl, line 5: field 'text' is a number"),
        ("qrels/test", "q1\td1", "test.tsv, line 7: .* is not query id, document id and a whole"),
        ("qrels/test", "q1\td1\t0.5", r"test.tsv, line 7: 'q1\\td1\\t0.5' is not"),
        ("qrels/test", f"q1\td1\t{2**31}", "test.tsv, line 7: .* is not"),
        ("qrels/test", "q9\td1\t1", "lacks 1 of 4 judged queries, such as 'q9'"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, name: str, line: str, reason: str) -> None:
    save_folder(tmp_path)
    path = tmp_path / (name + (".tsv" if name.startswith("qrels") else ".jsonl"))
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(EvaluationError, match=reason):
        read_dataset(tmp_path, "tiny")


def test_grades_of_any_sign_are_read_and_the_later_line_counts(tmp_path: Path) -> None:
    path = tmp_path / "qrels.tsv"
    path.write_text("\ufeffq\td\t1\r\n\r\nq\te\t-1\r\nq\td\t0\r\n")
    assert read_qrels(path) == {"q": {"d": 0, "e": -1}}
    path.write_text("query-id\tcorpus-id\tscore\n")
    with pytest.raises(EvaluationError, match="judges nothing"):
        read_qrels(path)


def test_folders_of_one_name_are_told_apart_by_their_parents() -> None:
    folders = [Path("/data/scifact"), Path("/data/a/de"), Path("/data/b/de")]
    assert names(folders) == ["scifact", "a/de", "b/de"]
    with pytest.raises(ValueError, match="a folder is given twice: x, x"):
        names([Path("x"), Path("x")])


def test_a_header_is_none_if_it_holds_a_number(tmp_path: Path) -> None:
    path = tmp_path / "qrels.tsv"
    path.write_text("q1\td1\t0.5\nq2\td1\t1\n")
    with pytest.raises(EvaluationError, match=r"line 1: 'q1\\td1\\t0.5' is not"):
        read_qrels(path)


def test_texts_under_another_key_are_refused_with_the_keys_there_are(tmp_path: Path) -> None:
    save_folder(tmp_path)
    write(tmp_path / "corpus.jsonl", [{"_id": "d1", "contents": "oil"}])
    with pytest.raises(
        EvaluationError, match="no document has a text; it has 'contents', its text belongs"
    ):
        read_dataset(tmp_path, "tiny")
    write(tmp_path / "corpus.jsonl", CORPUS)
    write(tmp_path / "queries.jsonl", [{"_id": "q1", "query": "oil"}])
    with pytest.raises(EvaluationError, match="line 1: no text; it has 'query', its text belongs"):
        read_dataset(tmp_path, "tiny")


def test_judged_documents_that_are_not_there_are_told_and_none_at_all_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_folder(tmp_path)
    write(tmp_path / "corpus.jsonl", CORPUS[:3])
    assert read_dataset(tmp_path, "tiny").documents == 3
    assert "1 of 4 judged documents, such as 'd4', are not in the corpus" in caplog.text
    write(tmp_path / "corpus.jsonl", [{"_id": "d9", "text": "oil"}])
    with pytest.raises(EvaluationError, match="none of 4 judged documents, such as 'd1', is in"):
        read_dataset(tmp_path, "tiny")


@pytest.mark.parametrize("line", ["q1\td1\t", "q1\td1\tx", "q1\td1\t0.5"])
def test_a_first_line_that_is_no_judgement_is_no_header_for_that(tmp_path, line):
    path = tmp_path / "qrels.tsv"
    path.write_text(f"{line}\nq2\td2\t1\n")
    with pytest.raises(EvaluationError, match="line 1"):
        read_qrels(path)
    path.write_text("query-id\tcorpus-id\tscore\nq2\td2\t1\n")
    assert read_qrels(path) == {"q2": {"d2": 1}}
