import json
import subprocess
import sys

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


def replaced(path):
    path.rename(path.with_suffix(".1"))
    path.touch()


@pytest.mark.parametrize("deed", [lambda path: path.unlink(), replaced])
def test_letters_that_are_taken_away_are_noticed(tmp_path, deed):
    path = tmp_path / "dead.jsonl"
    with DeadLetters.open(path) as letters:
        letters.append([b"one\n"])
        deed(path)
        for look in (letters.check, lambda: letters.append([b"two\n"])):
            with pytest.raises(JobError, match="deleted or moved while the job writes there"):
                look()


def test_an_empty_file_that_is_taken_away_is_no_loss(tmp_path):
    with DeadLetters.open(tmp_path / "dead.jsonl") as letters:
        letters.path.unlink()
        letters.check()


FULL = """
import resource, signal, sys
from pathlib import Path
from splare_os.errors import JobError
from splare_os.index.dead_letters import DeadLetters
from splare_os.index.checkpoint import Checkpoint, Position, Scope
from splare_os.index.ledger import Identity, Ledger

folder, what = Path(sys.argv[1]), sys.argv[2]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    if what == "letters":
        with DeadLetters.open(folder / "dead.jsonl") as letters:
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
            letters.append([b"x" * 10_000])
    elif what == "ledger":
        with Ledger.open(folder / "a.sqlite") as ledger:
            ledger.start(Identity("u", (), "d"), 0)
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
            ledger.seen_before([str(n) for n in range(20_000)], list(range(20_000)))
            ledger.advance(ledger.progress)
    else:
        with Checkpoint.open(folder / "a.json") as checkpoint:
            checkpoint.start(Scope("u", "d"), 0)
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
            checkpoint.save(Position({n: n for n in range(5_000)}))
except JobError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("letters", "File too large. Make room or give another place, then run again"),
        ("ledger", "Free disk space if it is full"),
        ("checkpoint", "File too large. Make room or give another state folder"),
    ],
)
def test_a_disk_that_is_full_is_told(tmp_path, what, told):
    command = [sys.executable, "-c", FULL, str(tmp_path), what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert told in done.stdout, done.stderr


def test_kinds_are_counted_as_letters_come_and_go(tmp_path):
    path = tmp_path / "dead.jsonl"
    lines = [to_letter(Document("a", 1, b"{}", str(n)), f"bad value {n}") for n in range(3)]
    with DeadLetters.open(path) as letters:
        letters.cut(0)
        assert letters.kinds == {}
        letters.append(lines[:2])
        letters.append([to_letter(Document("a", 1, b"{}", "9"), "invalid JSON")])
        assert letters.kinds == {"bad value …": 2, "invalid JSON": 1}
    with DeadLetters.open(path) as letters:  # a job goes on: those on disk are counted
        letters.cut(len(lines[0]))
        assert letters.kinds == {"bad value …": 1}
