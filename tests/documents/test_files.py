import os
from hashlib import sha256

import pytest

from splare_os.documents.files import FileState, absolute, file_state, hashed, opened
from splare_os.errors import JobError


@pytest.fixture
def path(tmp_path) -> str:
    (tmp_path / "a.jsonl").write_bytes(b"one\n")
    os.utime(tmp_path / "a.jsonl", ns=(7, 7))
    return str(tmp_path / "a.jsonl")


def test_the_state_of_a_file_is_its_size_and_time(path):
    assert file_state(path) == FileState(path, 4, "7")


def test_a_relative_name_is_the_same_file(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert file_state("a.jsonl") == file_state(path)
    assert absolute("a.jsonl") == path
    assert [absolute(name) for name in ("-", "s3://b/a.csv")] == ["-", "s3://b/a.csv"]


def test_what_cannot_be_read_twice_has_no_state(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert file_state(str(tmp_path / "pipe")) is None
    assert file_state("-") is None
    assert file_state(str(tmp_path / "none")) is None


def test_a_hash_tells_contents_of_the_same_size_and_time_apart(path):
    state = file_state(path)
    assert hashed(state).sha256 == sha256(b"one\n").hexdigest()
    with open(path, "wb") as file:
        file.write(b"two\n")
    os.utime(path, ns=(7, 7))
    assert file_state(path) == state
    assert hashed(state).sha256 == sha256(b"two\n").hexdigest()


def append(path: str) -> None:
    with open(path, "ab") as file:
        file.write(b"two\n")


def rewrite(path: str) -> None:
    with open(path, "wb") as file:
        file.write(b"two\n")


def replace(path: str) -> None:
    rewrite(path + ".new")
    os.utime(path + ".new", ns=(7, 7))
    os.replace(path + ".new", path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (append, "(4 bytes, 7 then, 8 bytes, "),
        (rewrite, "(4 bytes, 7 then, 4 bytes, "),
        (replace, "(4 bytes, 7 then, 4 bytes, 7 now)"),
        (lambda path: os.truncate(path, 1), "(4 bytes, 7 then, 1 bytes, "),
        (os.remove, "(4 bytes, 7 then, gone now)"),
    ],
)
def test_a_change_while_a_file_is_open_is_noticed(path, change, told):
    with opened(path) as file:
        file.check()
        change(path)
        with pytest.raises(JobError) as caught:
            file.check()
    assert told in str(caught.value)
    assert str(caught.value).endswith(
        "now): run the same command again when nobody writes to it"
    )  # fmt: skip


def test_a_pipe_may_change(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    end = os.open(tmp_path / "pipe", os.O_RDWR)
    with opened(str(tmp_path / "pipe")) as file:
        os.remove(tmp_path / "pipe")
        file.check()
    os.close(end)
