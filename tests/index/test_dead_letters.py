import json

import pytest

from splare_os.documents.document import Document
from splare_os.errors import JobError
from splare_os.index.dead_letters import DeadLetters, to_letter
from splare_os.index.replies import Refusal


def test_a_letter_names_the_line_and_keeps_it():
    document = Document("a.jsonl", 3, b'{"_id": 1', "1")
    assert json.loads(to_letter(document, "invalid JSON")) == {
        "_id": "1",
        "source": "a.jsonl",
        "line": 3,
        "reason": "invalid JSON",
        "document": '{"_id": 1',
    }


def test_a_refusal_gives_its_status():
    letter = to_letter(Document("a", 1, b"{}", "1"), "no", Refusal(400, "no", "dead"))
    assert json.loads(letter)["status"] == 400
    letter = to_letter(Document("a", 1, b"{}", "1"), "no", Refusal(0, "no item", "again"))
    assert "status" not in json.loads(letter)


def test_bytes_that_are_no_text_are_escaped():
    assert json.loads(to_letter(Document("a", 1, b"a\xffb"), "x"))["document"] == r"a\xffb"


def test_letters_are_appended_and_cut(tmp_path):
    path = tmp_path / "folder" / "dead.jsonl"
    with DeadLetters.open(path) as letters:
        assert letters.append([b"one\n"]) == 4
        assert letters.append([]) == 4
        assert letters.append([b"two\n", b"three\n"]) == 14
    with DeadLetters.open(path) as letters:
        assert letters.n_bytes == 14
        letters.cut(8)
        assert letters.append([b"four\n"]) == 13
    assert path.read_bytes() == b"one\ntwo\nfour\n"


def test_without_a_letter_there_is_no_file(tmp_path):
    with DeadLetters.open(tmp_path / "dead.jsonl"):
        pass
    assert not (tmp_path / "dead.jsonl").exists()


def test_a_place_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(JobError, match="give another place"), DeadLetters.open(tmp_path):
        pass


def test_two_jobs_do_not_write_to_one_file(tmp_path):
    path = tmp_path / "dead.jsonl"
    with (
        DeadLetters.open(path),
        pytest.raises(JobError, match="another job is writing there"),
        DeadLetters.open(path),
    ):
        pass
