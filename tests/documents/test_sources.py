import gzip
import io
import os

import pytest

from splare_os.documents import document, sources
from splare_os.documents.fields import Fields
from splare_os.documents.sources import check_sources, is_replayable, read_jsonl
from splare_os.errors import JobError

FIELDS = Fields()


def read(path, **options):
    return list(read_jsonl(path, FIELDS, **options))


def test_a_file_is_read_line_by_line_without_its_blank_ones(write):
    path = write([{"_id": "1"}, b"", b"  ", {"_id": "2"}])
    assert [(document.id, document.line) for document in read(path)] == [("1", 1), ("2", 4)]


def test_a_byte_order_mark_is_no_fault(write):
    assert read(write([b'\xef\xbb\xbf{"_id": "1"}']))[0].id == "1"


def test_the_last_line_needs_no_newline(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"_id": "1"}\r\n{"_id": "2"}')
    assert [document.id for document in read(str(tmp_path / "a.jsonl"))] == ["1", "2"]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl"])
def test_gzip_is_known_by_its_bytes_not_by_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(b'{"_id": "1"}\n'))
    assert read(str(tmp_path / name))[0].id == "1"


def test_lines_can_be_skipped(write):
    path = write([{"_id": str(n)} for n in range(5)])
    assert [document.line for document in read(path, skip_lines=3)] == [4, 5]


def test_a_truncated_gzip_ends_in_a_dead_line(tmp_path):
    lines = b"".join(b'{"_id": "%d", "text": "%s"}\n' % (n, os.urandom(40).hex().encode())
                     for n in range(1000))  # fmt: skip
    whole = gzip.compress(lines)
    (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    *good, last = read(str(tmp_path / "a.jsonl.gz"))
    assert 100 < len(good) < 900
    assert not any(document.reason for document in good)
    assert last.reason.startswith(f"gzip stream broken after line {len(good)}: ")
    assert read(str(tmp_path / "a.jsonl.gz"), skip_lines=len(good)) == [last]
    assert read(str(tmp_path / "a.jsonl.gz"), skip_lines=len(good) + 1) == []


def test_damaged_gzip_ends_in_a_dead_line(tmp_path):
    whole = bytearray(gzip.compress(b'{"_id": "1"}\n'))
    whole[-6] ^= 255  # the checksum
    (tmp_path / "a.jsonl.gz").write_bytes(bytes(whole))
    assert "CRC check failed" in read(str(tmp_path / "a.jsonl.gz"))[-1].reason


def test_a_line_that_no_server_takes_is_dead_and_the_next_one_is_read(write, monkeypatch):
    for module in (document, sources):
        monkeypatch.setattr(module, "MAX_LINE_BYTES", 50)
    long, after = read(write([{"_id": "1", "text": "x" * 500}, {"_id": "2"}]))
    assert long.reason == "line of more than 50 bytes: split the document"
    assert after.id == "2"


def test_stdin_is_read_as_well(monkeypatch):
    class Stdin:
        buffer = io.BufferedReader(io.BytesIO(gzip.compress(b'{"_id": "1"}')))

    monkeypatch.setattr("sys.stdin", Stdin)
    assert [document.id for document in read("-")] == ["1"]


def test_other_formats_are_refused_with_those_that_are_read():
    with pytest.raises(ValueError, match=r"docs.csv: documents are read from .*\.jsonl.*'-'"):
        check_sources(["docs.csv"])


def test_a_source_has_to_exist(tmp_path):
    with pytest.raises(JobError, match="no such file"):
        check_sources([str(tmp_path / "none.jsonl")])


def test_sources_are_named():
    with pytest.raises(ValueError, match="give at least one file"):
        check_sources([])
    with pytest.raises(ValueError, match="stdin can be read once"):
        check_sources(["-", "-"])


def test_only_a_regular_file_can_be_read_twice(write, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert is_replayable(write([]))
    assert not is_replayable("-")
    assert not is_replayable(str(tmp_path / "pipe"))


def test_a_file_that_cannot_be_read_ends_the_run(tmp_path):
    with pytest.raises(JobError, match="cannot be read after line 0"):
        read(str(tmp_path))
