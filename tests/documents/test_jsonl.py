import bz2
import gzip
import io
import os

import pytest

from splare_os.documents import document, lines
from splare_os.errors import JobError

from .reading import read, read_and_resumed


def test_a_file_is_read_line_by_line_without_its_blank_ones(write):
    found = read_and_resumed(write([{"_id": "1"}, b"", b"  ", {"_id": "2"}, b"{", {"_id": "3"}]))
    assert [(document.id, document.line) for document in found] == [
        *(("1", 1), ("2", 4), (None, 5), ("3", 6))
    ]


def test_an_empty_file_holds_nothing(write):
    assert read(write([])) == []


def test_a_byte_order_mark_is_no_fault(write):
    assert read(write([b'\xef\xbb\xbf{"_id": "1"}']))[0].id == "1"


def test_the_last_line_needs_no_newline(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"_id": "1"}\r\n{"_id": "2"}')
    assert [document.id for document in read(tmp_path / "a.jsonl")] == ["1", "2"]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl", "a.jsonl.zst"])
def test_a_compression_is_known_by_its_bytes_not_by_its_name(tmp_path, name, compress):
    (tmp_path / name).write_bytes(compress(b'{"_id": "1"}\n'))
    assert read(tmp_path / name)[0].id == "1"


def test_a_truncated_gzip_ends_in_a_dead_line(tmp_path):
    lines = b"".join(b'{"_id": "%d", "text": "%s"}\n' % (n, os.urandom(40).hex().encode())
                     for n in range(1000))  # fmt: skip
    whole = gzip.compress(lines)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2])
    *good, last = read(path)
    assert 100 < len(good) < 900
    assert not any(document.reason for document in good)
    assert last.reason.startswith(f"gzip stream broken off, after line {len(good)}: ")
    assert read(path, len(good)) == [last]
    assert read(path, len(good) + 1) == []


def test_damaged_gzip_ends_in_a_dead_line(tmp_path):
    whole = bytearray(gzip.compress(b'{"_id": "1"}\n'))
    whole[-6] ^= 255  # the checksum
    (tmp_path / "a.jsonl.gz").write_bytes(bytes(whole))
    first, last = read_and_resumed(tmp_path / "a.jsonl.gz")
    assert (first.id, first.reason) == ("1", "")
    assert "incorrect data check" in last.reason
    assert "the lines before it are taken unverified" in last.reason


def test_a_line_that_no_server_takes_is_dead_and_the_next_one_is_read(write, monkeypatch):
    for module in (document, lines):
        monkeypatch.setattr(module, "MAX_LINE_BYTES", 50)
    long, after = read_and_resumed(write([{"_id": "1", "text": "x" * 500}, {"_id": "2"}]))
    assert long.reason == "line of more than 50 bytes: split the document"
    assert after.id == "2"


def test_stdin_is_read_as_well(monkeypatch):
    class Stdin:
        buffer = io.BufferedReader(io.BytesIO(gzip.compress(b'{"_id": "1"}')))

    monkeypatch.setattr("sys.stdin", Stdin)
    assert [document.id for document in read("-")] == ["1"]


def test_a_stdin_that_is_closed_is_told(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)  # as Python has it then
    with pytest.raises(JobError, match="stdin is closed"):
        read("-")
