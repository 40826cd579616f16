import gzip
import os

import pytest

from splare_os.documents import document, lines
from splare_os.documents.files import opened
from splare_os.documents.lines import Line, read_lines
from splare_os.errors import JobError

CONTENT = b"".join(b"%d %s\n" % (n, os.urandom(30).hex().encode()) for n in range(1000))


def read(path) -> list[Line]:
    with opened(str(path)) as file:
        return list(read_lines(file))


def test_lines_keep_their_ends_and_the_last_needs_none(tmp_path):
    (tmp_path / "a").write_bytes(b"one\r\n\ntwo")
    assert read(tmp_path / "a") == [Line(1, b"one\r\n"), Line(2, b"\n"), Line(3, b"two")]


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfone\n\xef\xbb\xbftwo")
    assert read(tmp_path / "a") == [Line(1, b"one\n"), Line(2, b"\xef\xbb\xbftwo")]
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf")
    assert read(tmp_path / "a") == [Line(1, b"")]
    for module in (document, lines):
        monkeypatch.setattr(module, "MAX_LINE_BYTES", 3)
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfabcdef\n")
    assert read(tmp_path / "a") == [Line(1, b"abcd"), Line(1, b"ef\n", is_rest=True)]


def test_a_long_line_comes_in_pieces(tmp_path, monkeypatch):
    for module in (document, lines):
        monkeypatch.setattr(module, "MAX_LINE_BYTES", 3)
    (tmp_path / "a").write_bytes(b"abcdefghij\nabc\nabcd")
    found = read(tmp_path / "a")
    assert found == [
        *(Line(1, b"abcd"), Line(1, b"efgh", is_rest=True), Line(1, b"ij\n", is_rest=True)),
        *(Line(2, b"abc\n"), Line(3, b"abcd")),
    ]
    assert [line.is_cut for line in found] == [True, True, False, False, True]


def test_a_stream_that_breaks_ends_in_a_line_that_says_what_was_not_verified(tmp_path):
    whole = gzip.compress(CONTENT)
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) // 2])
    *good, last = read(tmp_path / "a.gz")
    assert b"".join(line.raw for line in good) == CONTENT[: sum(len(line.raw) for line in good)]
    assert 100 < len(good) < 900
    assert (last.number, last.raw) == (len(good) + 1, b"")
    assert last.reason == (
        f"gzip stream broken off, after line {len(good)}: what follows is lost, and the lines "
        "before it are taken unverified, as a stream's checksum stands behind them; "
        "get a whole file"
    )


def test_a_stream_that_is_still_being_written_is_no_broken_one(tmp_path):
    path, whole = tmp_path / "a.gz", gzip.compress(CONTENT)
    path.write_bytes(whole[: len(whole) // 2])
    with opened(str(path)) as file:
        found = read_lines(file)
        next(found)
        path.write_bytes(whole)
        os.utime(path, (1, 1))
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(JobError, match="changed while it was read"):
            list(found)
