import os
from pathlib import Path

import pytest

from splare_os.documents.sources import FORMATS, find_sources, is_replayable, read_documents
from splare_os.errors import JobError, MissingExtraError

from .reading import FIELDS, read


@pytest.fixture
def data(tmp_path) -> Path:
    for name in ("b.jsonl", "a.csv.gz", "deep/er/c.tsv", "notes.txt", "_SUCCESS", ".d.csv", "x.gz"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).touch()
    for name in (".hidden/e.csv", "_temporary/f.csv"):
        (tmp_path / "data" / name).parent.mkdir()
        (tmp_path / "data" / name).touch()
    return tmp_path / "data"


def test_a_folder_stands_for_all_files_below_it_of_a_known_suffix(data):
    names = ("a.csv.gz", "b.jsonl", "deep/er/c.tsv")
    assert find_sources([str(data)]) == [str(data / name) for name in names]
    assert find_sources([data]) == find_sources([str(data)])


def test_encoded_documents_below_a_folder_are_refused_not_read_as_lines(data):
    (data / "deep" / "splare-encoded.json").write_text("{}")
    with pytest.raises(JobError, match="deep in it holds encoded documents: index it by its own"):
        find_sources([str(data)])


def test_a_folder_that_cannot_be_listed_is_told(data, monkeypatch):
    def scandir(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    listed = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(JobError, match="cannot be read: .*deep"):
        find_sources([str(data)])


@pytest.mark.parametrize("source", ["", "/**/*.jsonl"])
def test_a_link_to_nothing_is_told(data, source):
    (data / "deep/gone.jsonl").symlink_to("nowhere")
    with pytest.raises(JobError, match=r"cannot be read: .*deep/gone.jsonl"):
        find_sources([f"{data}{source}"])


def test_a_file_that_may_not_be_looked_at_is_told(data, monkeypatch):
    def stat(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", stat)
    with pytest.raises(JobError, match=r"b.jsonl: cannot be read"):
        find_sources([str(data / "b.jsonl")])


def test_a_pattern_stands_for_the_files_that_it_matches_in_order(data):
    assert find_sources([f"{data}/*.[cj]s*"]) == [f"{data}/a.csv.gz", f"{data}/b.jsonl"]
    assert find_sources([f"{data}/**/*.tsv"]) == [f"{data}/deep/er/c.tsv"]


def test_sources_keep_their_order(data):
    last, first = f"{data}/b.jsonl", f"{data}/a.csv.gz"
    assert find_sources([last, "-", f"{data}/a*"]) == [last, "-", first]


def test_files_that_were_found_are_found_again(data):
    (data / "odd[1].jsonl").touch()
    found = find_sources([str(data)])
    assert str(data / "odd[1].jsonl") in found
    assert find_sources(found) == found


@pytest.mark.parametrize("name", ["none.jsonl", "*.parquet", "none/**", "empty"])
def test_what_stands_for_no_file_is_told(data, name):
    (data / "empty").mkdir()
    where = " in this folder" if name == "empty" else ""
    told = rf"data/{name.replace('*', '.')}.*: no such file{where}; give one"
    with pytest.raises(JobError, match=told):
        find_sources([str(data / name)])


@pytest.mark.parametrize("name", ["a.xlsx", "a.txt.gz", "a.parquet.gz", "*.txt", "none.xlsx"])
def test_other_formats_are_refused_with_those_that_are_read(data, name):
    if name.startswith("a."):
        (data / name).touch()
    with pytest.raises(ValueError, match=r"documents are read from \.jsonl.*\.csv.*'-'") as caught:
        find_sources([str(data / name)])
    assert all(suffix in str(caught.value) for suffix in FORMATS)


def test_a_name_without_a_suffix_is_of_json_lines(tmp_path):
    (tmp_path / "docs").write_bytes(b'{"_id": "1"}')
    (tmp_path / "docs.GZ").write_bytes(b'{"_id": "2"}')
    names = [str(tmp_path / "docs"), str(tmp_path / "docs.GZ")]
    assert [read(name)[0].id for name in find_sources(names)] == ["1", "2"]


def test_sources_are_named():
    with pytest.raises(ValueError, match="give at least one file"):
        find_sources([])
    with pytest.raises(ValueError, match="stdin can be read once"):
        find_sources(["-", "-"])


def test_a_name_that_no_ledger_can_hold_is_told(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.jsonl"
    with open(path, "wb"):
        pass
    for source in (os.fsdecode(path), str(tmp_path)):
        with pytest.raises(JobError, match=r"caf\\xe9.jsonl': its name is not UTF-8; rename it"):
            find_sources([source])


def test_what_a_format_needs_is_asked_for_before_anything_is_read(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").touch()
    monkeypatch.setattr("splare_os.extras.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"a.parquet needs pyarrow.*splare-os\[sources\]"):
        find_sources([str(tmp_path / "a.parquet")])


def test_only_a_regular_file_can_be_read_twice(write, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert is_replayable(write([]))
    assert not is_replayable("-")
    assert not is_replayable(str(tmp_path / "pipe"))


def test_a_file_that_cannot_be_read_ends_the_run(tmp_path):
    with pytest.raises(JobError, match="cannot be read after line 0"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_file_that_grows_is_read_to_its_end_and_then_told_of(tmp_path, name):
    head, row = (b"_id,text\n", b"1,x\n") if name == "a.csv" else (b"", b'{"_id": "1"}\n')
    path = tmp_path / name
    path.write_bytes(head + row)
    documents = read_documents(str(path), FIELDS)
    found = [next(documents)]
    with path.open("ab") as file:
        file.write(row)
    with pytest.raises(JobError, match="changed while it was read .* run the same command again"):
        found.extend(documents)
    assert [document.line for document in found] == ([2, 3] if head else [1, 2])


def test_a_reader_that_is_left_early_asks_nothing(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"_id": "1"}\n' * 2)
    documents = read_documents(str(path), FIELDS)
    next(documents)
    path.unlink()
    documents.close()
