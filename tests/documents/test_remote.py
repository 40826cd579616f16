import functools
import gzip
import http.server
import re
import threading

import pytest

from splare_os.documents import remote
from splare_os.documents.files import file_state
from splare_os.documents.sources import find_sources, is_replayable, read_documents
from splare_os.errors import JobError, MissingExtraError

from .reading import FIELDS, read, read_and_resumed

pytestmark = pytest.mark.sources

LINES = b"".join(b'{"_id": "%d", "text": "ants %d"}\n' % (n, n) for n in range(20))


@pytest.fixture
def memory():
    import fsspec

    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def served(tmp_path):
    """The address of a server of files in a folder, which knows no ranges."""
    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", tmp_path
        server.shutdown()


def test_the_suffix_of_a_url_is_that_of_its_path():
    assert remote.name_of("https://a.org/b.csv?key=x.json#part") == "https://a.org/b.csv"
    assert remote.is_remote("memory://a.jsonl")
    assert not remote.is_remote("/a:/b.jsonl")


def test_files_of_a_file_system_are_read_and_resumed(memory):
    memory.pipe("/data/a.jsonl.gz", gzip.compress(LINES))
    memory.pipe("/data/b.csv", b"_id,text\n1,x\n")
    found = read_and_resumed("memory://data/a.jsonl.gz")
    assert [document.id for document in found] == [str(n) for n in range(20)]
    assert found[0].source == "memory://data/a.jsonl.gz"
    assert [document.text for document in read("memory://data/b.csv")] == ["x"]


def test_folders_and_patterns_of_a_file_system_are_expanded(memory):
    for name in ("b.jsonl", "a.jsonl", "c/d.csv", "notes.txt"):
        memory.pipe(f"/data/{name}", b"")
    a, b, d = (f"memory:///data/{name}" for name in ("a.jsonl", "b.jsonl", "c/d.csv"))
    assert find_sources(["memory://data"]) == [a, b, d]
    assert find_sources(["memory://data/*.jsonl"]) == [a, b]
    assert find_sources(["memory://data/**/*.csv"]) == [d]
    for nothing in ("memory://data/*.tsv", "memory://none.jsonl"):
        with pytest.raises(JobError, match="no such file"):
            find_sources([nothing])
    with pytest.raises(ValueError, match=r"notes.txt: documents are read from"):
        find_sources(["memory://data/notes.txt"])


def test_a_folder_of_a_file_system_is_what_a_local_one_is(memory):
    for name in (
        *("a.jsonl", "b/c.jsonl", ".d.jsonl", "_e.jsonl", "_delta_log/00.json", "b/.f/g.jsonl"),
        *("h.dead.jsonl", "state.json"),
    ):
        memory.pipe(f"/data/{name}", b"")
    a, c, h = (f"memory:///data/{name}" for name in ("a.jsonl", "b/c.jsonl", "h.dead.jsonl"))
    assert find_sources(["memory://data"]) == [a, c]
    assert find_sources(["memory://data/[!_]*.jsonl"]) == [a]
    assert find_sources(["memory://data/*.dead.jsonl"]) == [h]
    memory.pipe("/encoded/splare-encoded.json", b"")
    with pytest.raises(JobError, match="holds encoded documents, .*: copy it here"):
        find_sources(["memory://encoded"])


def test_parquet_is_read_from_a_file_system(memory):
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table({"_id": list(range(30)), "text": ["x"] * 30})
    with memory.open("/a.parquet", "wb") as file:
        parquet.write_table(table, file, row_group_size=7)
    assert [document.line for document in read_and_resumed("memory://a.parquet")] == [*range(1, 31)]


def test_a_file_that_is_written_anew_has_another_state(memory):
    memory.pipe("/a.jsonl", LINES)
    before = file_state("memory://a.jsonl")
    assert before == file_state("memory://a.jsonl")
    assert before.n_bytes == len(LINES)
    memory.pipe("/a.jsonl", LINES)
    assert file_state("memory://a.jsonl") != before


def test_a_change_while_it_is_read_is_noticed(memory):
    memory.pipe("/a.jsonl", LINES)
    documents = read_documents("memory://a.jsonl", FIELDS)
    next(documents)
    memory.pipe("/a.jsonl", LINES)
    with pytest.raises(JobError, match="a.jsonl changed while it was read"):
        list(documents)


def test_a_file_of_a_server_is_read_and_its_date_is_its_state(served):
    url, folder = served
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(LINES))
    source = f"{url}/a.jsonl.gz?key=1"
    assert find_sources([source]) == [source]
    assert [document.id for document in read_and_resumed(source)] == [str(n) for n in range(20)]
    assert is_replayable(source)
    assert "Last-Modified" in file_state(source).stamp


class Ranges(http.server.BaseHTTPRequestHandler):
    """Sends half of each range but the first, as a server may, and none from `ends` on."""

    ends, data = 2**30, b""

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        first, last = 0, len(self.data) - 1
        asked = re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked:
            first = int(asked[1])
            last = min(int(asked[2]), last)
            last -= (last - first + 1) // 2 if first else 0
        part = b"" if first >= self.ends else self.data[first : last + 1]
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(self.data)}")
        for name, value in [("Accept-Ranges", "bytes"), ("Content-Length", str(len(part)))]:
            self.send_header(name, value)
        self.send_header("ETag", '"1"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)


@pytest.fixture
def ranges(monkeypatch):
    """The address of a large file on a server that sends ranges in part, its lines, the server."""
    lines = [b'{"_id": "%d", "text": "%s"}\n' % (n, b"x" * 999) for n in range(14000)]
    monkeypatch.setattr(Ranges, "data", b"".join(lines))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ranges) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/a.jsonl", len(lines)
        server.shutdown()


def test_ranges_that_come_in_part_lose_no_document(ranges):
    url, n = ranges
    found = list(read_documents(url, FIELDS))
    assert [document.id for document in found] == [str(k) for k in range(n)]
    assert not any(document.reason for document in found)


def test_a_server_that_says_no_more_is_no_end_of_a_file(ranges, monkeypatch):
    monkeypatch.setattr(Ranges, "ends", 5 * 2**20)
    with pytest.raises(JobError, match=r"after line \d+: .* of \d+ bytes only 5242880 are sent"):
        list(read_documents(ranges[0], FIELDS))


def test_what_a_server_has_not_is_no_source(served):
    url, _ = served
    with pytest.raises(JobError, match=r"none.jsonl: cannot be read: .*404"):
        find_sources([f"{url}/none.jsonl"])
    with pytest.raises(JobError, match=r"cannot be read"):
        find_sources(["http://127.0.0.1:9/a.jsonl"])


def test_a_file_without_a_date_is_read_once(memory, monkeypatch):
    memory.pipe("/a.jsonl", LINES)
    monkeypatch.setattr(remote, "STAMPS", ())
    assert not is_replayable("memory://a.jsonl")
    assert len(read("memory://a.jsonl")) == 20


def test_a_connection_that_breaks_ends_the_run_and_kills_no_document(memory, monkeypatch):
    class Broken:
        def read(self, _):
            raise RuntimeError("connection reset")

        def seek(self, *_):
            return 4

        def tell(self):
            return 400

        def seekable(self):
            return True

        def close(self):
            pass

    memory.pipe("/a.parquet", b"PAR1")
    memory.pipe("/a.jsonl", LINES)
    monkeypatch.setattr(type(memory), "open", lambda *_, **__: Broken())
    for name in ("a.jsonl", "a.parquet"):
        with pytest.raises(JobError, match="cannot be read after line 0: .*connection reset"):
            read(f"memory://{name}")


def test_a_backend_that_is_missing_is_told(monkeypatch):
    import fsspec

    def url_to_fs(url):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", url_to_fs)
    with pytest.raises(MissingExtraError, match="s3://b/a.csv needs a backend .* Install s3fs"):
        find_sources(["s3://b/a.csv"])


def test_a_protocol_that_nobody_knows_is_misuse():
    with pytest.raises(ValueError, match="nowhere://b/a.csv: Protocol not known: nowhere"):
        find_sources(["nowhere://b/a.csv"])
