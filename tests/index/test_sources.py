import gzip
import io
import json
import os

import pytest

from splare_os.errors import JobError
from splare_os.index import sources
from splare_os.index.sources import check_sources, is_replayable, parse, read_jsonl
from splare_os.text import Fields

FIELDS = Fields()


def read(path, **options):
    return list(read_jsonl(path, FIELDS, **options))


def reason(line: object) -> str:
    raw = line if isinstance(line, bytes) else json.dumps(line).encode()
    return parse("a.jsonl", 1, raw, FIELDS).reason


def test_a_line_gives_id_body_and_the_text_to_encode():
    document = parse("a.jsonl", 3, b'{"_id": "7", "title": "T", "text": " x ", "n": 1}\n', FIELDS)
    assert (document.id, document.text, document.line) == ("7", "T  x", 3)
    assert document.body == {"title": "T", "text": " x ", "n": 1}
    assert not document.reason


def test_an_integer_id_is_a_string_in_the_cluster():
    assert parse("a", 1, b'{"_id": 7}', FIELDS).id == "7"


def test_an_id_under_another_key_stays_in_the_document():
    document = parse("a", 1, b'{"doc": "7", "text": "x"}', Fields(id="doc"))
    assert (document.id, document.body) == ("7", {"doc": "7", "text": "x"})


def test_without_a_title_field_the_title_is_not_encoded():
    fields = Fields(text="body", title=None)
    document = parse("a", 1, b'{"_id": "1", "title": "T", "body": "x"}', fields)
    assert document.text == "x"


@pytest.mark.parametrize("line", [{"_id": "1"}, {"_id": "1", "text": None}, {"_id": 1, "text": ""}])
def test_a_missing_text_is_an_empty_one(line):
    assert reason(line) == ""


def test_each_fault_has_its_reason():
    assert reason(b"{") == "invalid JSON: unexpected end of data: line 1 column 2 (char 1)"
    assert "surrogate" in reason(rb'{"_id": "\ud800"}')
    assert "invalid JSON" in reason(b'{"_id": "1", "text": "\xff"}')
    assert reason([1]) == "not a JSON object but an array"
    assert reason("x") == "not a JSON object but a string"
    assert reason({"text": "x"}) == "no id: the key '_id' is missing or null"
    assert reason({"_id": 1.5}).startswith("id of type a number")
    assert reason({"_id": True}).startswith("id of type a boolean")
    assert reason({"_id": ""}).startswith("id is empty")
    assert reason({"_id": "1", "text": 5}) == "field 'text' is a number: it has to be a string"
    assert reason({"_id": "1", "title": ["x"]}).startswith("field 'title' is an array")


def test_an_id_has_at_most_512_bytes_of_utf8():
    assert reason({"_id": "é" * 256}) == ""
    assert reason({"_id": "é" * 300}) == "id of 600 bytes: the cluster takes at most 512"


def test_a_dead_line_keeps_its_id_when_it_has_one():
    assert parse("a", 1, b'{"_id": "9", "text": 5}', FIELDS).id == "9"


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
    monkeypatch.setattr(sources, "MAX_LINE_BYTES", 50)
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
