import csv
import gzip
import io
import random

import pytest

from splare_os.documents import delimited, document, lines
from splare_os.documents.fields import Fields
from splare_os.errors import JobError

from .reading import read, read_and_resumed


@pytest.fixture
def save(tmp_path):
    def save_bytes(content: bytes, name: str = "a.csv") -> str:
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return save_bytes


def test_the_header_names_the_keys_and_all_values_are_strings(save):
    path = save(b"_id,title,text,year\n7,T,x y,1999\n8,,,\n")
    first, second = read_and_resumed(path)
    assert (first.id, first.text, first.line) == ("7", "T x y", 2)
    assert first.body == {"title": "T", "text": "x y", "year": "1999"}
    assert (second.id, second.text, second.body) == ("8", "", {"title": "", "text": "", "year": ""})


def test_quotes_hold_commas_quotes_and_line_ends(save):
    path = save(b'_id,text\r\n"7","a, ""b""\r\n\n,c"\r\n8,it is 5" wide\r\n"9",""\r\n')
    found = read_and_resumed(path)
    assert [(document.id, document.line) for document in found] == [("7", 2), ("8", 5), ("9", 6)]
    assert [document.body["text"] for document in found] == [
        *('a, "b"\r\n\n,c', 'it is 5" wide', "")
    ]


def test_a_row_is_kept_as_json_and_a_torn_one_as_it_was_read(save):
    whole, torn = read(save(b'_id,text\n1,"a\nb"\n2,x,y\n'))
    assert whole.raw == b'{"_id":"1","text":"a\\nb"}'
    assert torn.raw == b"2,x,y"


def test_tabs_part_the_cells_of_tsv(save):
    path = save(b'text\tdoc\na, b\t1\n"a\tb"\t2\n', "a.tsv")
    found = read_and_resumed(path, Fields(id="doc"))
    assert [(document.id, document.text) for document in found] == [("1", "a, b"), ("2", "a\tb")]


def test_marks_blank_lines_and_a_missing_last_end_are_no_fault(save):
    path = save(b'\xef\xbb\xbf"_id",text\r\n\r\n1,x\r\n\n2,y')
    found = read_and_resumed(path)
    assert [(document.id, document.line) for document in found] == [("1", 3), ("2", 5)]


def test_lines_that_end_as_they_did_once_are_no_header(save):
    with pytest.raises(JobError, match="a carriage return without a line feed .* convert it"):
        read(save(b"_id,text,lang\r7,x,en\r8,y,de\r"))
    assert [one.id for one in read(save(b'_id,text,"la\r\nng"\r\n7,x,en\r\n'))] == ["7"]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"_id,text", b"_id,text\n", b"\xef\xbb\xbf"])
def test_without_rows_there_are_no_documents(save, content):
    assert read_and_resumed(save(content)) == []


def test_each_bad_row_has_its_line_and_its_reason_and_the_next_is_read(save):
    path = save(
        b"_id,text\n1\n2,a,b\n"
        b'"3"x,a\n4,"a\nb"c\n5,\xff\n,a\n7,good\n'
    )  # fmt: skip
    found = read_and_resumed(path)
    assert [(document.line, document.reason) for document in found] == [
        (2, "1 cells, but 2 in the header: quote what holds others"),
        (3, "3 cells, but 2 in the header: quote what holds others"),
        (4, "text behind a closing quote: double quotes within a cell"),
        (5, "text behind a closing quote: double quotes within a cell"),
        (7, "not UTF-8: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (8, "id is empty: '_id' has to name the document"),
        (9, ""),
    ]
    assert found[0].raw == b"1"


def test_a_quote_that_stays_open_is_dead_with_the_line_where_its_row_began(save):
    first, last = read_and_resumed(save(b'_id,text\n1,a\n2,"b\n3,c\n'))
    assert (first.id, last.line) == ("1", 3)
    assert last.reason == "a quote is not closed by line 4, the last one: close it"


def test_a_big_cell_is_read(save):
    big = 'ants, and "bees"\n' * 200_000
    content = io.StringIO()
    csv.writer(content).writerows([["_id", "text"], ["1", big], ["2", "small"]])
    found = read(save(content.getvalue().encode()))
    assert [document.body["text"] for document in found] == [big, "small"]


@pytest.mark.parametrize("row", [b'1,"%b"\n' % (b"a,\n" * 40), b"1,%b\n" % (b"a" * 120)])
def test_a_row_that_no_server_takes_is_dead_and_the_next_one_is_read(save, monkeypatch, row):
    for module in (document, lines, delimited):
        monkeypatch.setattr(module, "MAX_LINE_BYTES", 50)
    path = save(b"_id,text\n" + row + b'2,"x\ny"\n')
    long, after = read_and_resumed(path)
    last = 1 + row.count(b"\n")
    assert long.reason == (
        f"record of more than 50 bytes, up to line {last}: split the document, or close its quotes"
    )
    assert (long.line, after.line, after.body) == (2, last + 1, {"text": "x\ny"})


def test_a_header_with_names_that_are_not_told_apart_ends_the_reading(save):
    with pytest.raises(JobError, match="two columns are called 'text'"):
        read(save(b"_id,text,text\n"))
    with pytest.raises(JobError, match="its header is not UTF-8 .*; convert it"):
        read(save("_id,text\n".encode("utf-16")))
    with pytest.raises(JobError, match="text behind a closing quote of the header"):
        read(save(b'"_id"x,text\n'))


def test_a_stream_that_breaks_is_dead_with_the_row_it_broke(save):
    rows = "".join(f'{n},"{random.random()}\n{random.random()}"\n' for n in range(5000))
    whole = gzip.compress(b"_id,text\n" + rows.encode())
    path = save(whole[: len(whole) // 2], "a.csv.gz")
    *good, last = read(path)
    assert [document.id for document in good] == [str(n) for n in range(len(good))]
    assert len(good) > 1000
    assert last.line == good[-1].line + 2
    assert "the lines before it are taken unverified" in last.reason
    assert read(path, last.line - 1) == [last]
    assert read(path, last.line) == []
    (only,) = read(save(whole[:12], "b.csv.gz"))
    assert only.reason.startswith("no header, so nothing is read: gzip stream broken off")


@pytest.mark.parametrize("seed", range(300))
def test_cells_are_those_of_the_standard_library(save, seed):
    drawn = random.Random(seed)
    content = "".join(drawn.choice('ab",\n\n"') for _ in range(drawn.randrange(60)))
    path = save(b"_id,text\n" + content.encode())
    ours = [document for document in read_and_resumed(path) if "cells" not in document.reason]
    theirs, faults = [], 0
    rows = csv.reader(io.StringIO(content, newline=""), strict=True)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error:
            faults += 1
            break  # it goes on in the middle of the record
        if len(row) == 2:
            theirs.append(row)
    found = [[document.id, document.body["text"]] for document in ours if document.body]
    found = [pair for pair in found if pair[0]]
    theirs = [pair for pair in theirs if pair[0]]
    assert found[: len(theirs)] == theirs
    assert bool(faults) == any("quote" in document.reason for document in ours)
