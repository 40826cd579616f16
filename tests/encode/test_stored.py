"""Documents are encoded into a folder once, whatever interrupts, and indexed as if directly."""

import gzip
import json
import os
import time
from multiprocessing import get_context
from pathlib import Path
from platform import node
from signal import SIGKILL

import pytest

from splare_os.documents import Fields, read_documents
from splare_os.documents.encoded import StoredEncoder, encoded_files, read_manifest
from splare_os.encode.stored import StoreOptions, encode_to
from splare_os.errors import JobError
from splare_os.index import IngestOptions, ingest
from tests.hashing import UNREADABLE, HashEncoder

pytestmark = pytest.mark.sources


def lines(n: int) -> list[object]:
    """Documents with empty texts, broken lines and texts nobody can read among them."""
    made: list[object] = []
    for k in range(n):
        text = "" if k % 7 == 2 else f"ants {k} {UNREADABLE}" if k % 11 == 5 else f"ants {k}"
        made.append({"_id": f"d{k}", "title": "on ants", "text": text})
        made += [b'{"broken": '] if k % 5 == 4 else []
    return made


def content(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def options(folder, **chosen) -> StoreOptions:
    return StoreOptions(folder, shard_documents=10, **chosen)


def test_counts_and_dead_letters_of_each_file(tmp_path, write):
    first, second = encode_to(HashEncoder(), [write(lines(15))], options(tmp_path / "out"))
    # of lines 1 to 10: one broken, one unreadable (d5); of 11 to 18: two broken, none unreadable
    assert (first.marker.documents, first.marker.dead, first.marker.is_last) == (8, 2, False)
    assert (second.marker.documents, second.marker.dead, second.marker.is_last) == (6, 2, True)
    letters = (tmp_path / "out" / "00000-00000.dead.jsonl").read_text().splitlines()
    reasons = [json.loads(letter)["reason"] for letter in letters]
    assert reasons[0].startswith("invalid JSON")
    assert reasons[1].startswith("cannot be encoded")


def test_a_source_that_ends_with_a_full_file_has_an_empty_one_behind(tmp_path, write):
    sources = [write(lines(4)), write([], "empty.jsonl")]
    found = list(encode_to(HashEncoder(), sources, options(tmp_path / "o")))
    assert [shard.marker.documents for shard in found] == [4, 0]
    ten = [{"_id": str(k), "text": "x"} for k in range(10)]
    found = list(encode_to(HashEncoder(), [write(ten)], options(tmp_path / "p")))
    assert [(shard.marker.documents, shard.marker.is_last) for shard in found] == [
        (10, False),
        (0, True),
    ]
    assert len(encoded_files(tmp_path / "p")) == 2


@pytest.mark.parametrize("stopped_after", [0, 1, 2, 3])
def test_what_was_interrupted_goes_on_and_ends_the_same(tmp_path, write, stopped_after):
    sources = [write(lines(30)), write(lines(12), "other.jsonl")]
    list(encode_to(HashEncoder(), sources, options(tmp_path / "whole")))
    running = encode_to(HashEncoder(), sources, options(tmp_path / "again"))
    before = [next(running) for _ in range(stopped_after)]
    running.close()
    encoder = HashEncoder()
    after = list(encode_to(encoder, sources, options(tmp_path / "again")))
    assert [shard.is_new for shard in after] == [
        not shard < len(before) for shard in range(len(after))
    ]
    assert content(tmp_path / "again") == content(tmp_path / "whole")


@pytest.mark.parametrize("parts", [2, 3, 9])
def test_parts_make_the_whole_and_each_encodes_its_own(tmp_path, write, parts):
    sources = [write(lines(30)), write(lines(12), "other.jsonl")]
    list(encode_to(HashEncoder(), sources, options(tmp_path / "whole")))
    made = []
    for part in range(parts):
        made += encode_to(
            HashEncoder(), sources, options(tmp_path / "parts", part=part, parts=parts)
        )
    assert all(shard.is_new for shard in made)
    assert len({shard.path for shard in made}) == len(made)
    assert content(tmp_path / "parts") == content(tmp_path / "whole")


def test_a_marker_without_its_file_counts_for_nothing(tmp_path, write):
    sources = [write(lines(30))]
    list(encode_to(HashEncoder(), sources, options(tmp_path / "out")))
    before = content(tmp_path / "out")
    (tmp_path / "out" / "00000-00001.impacts.parquet").unlink()
    (tmp_path / "out" / "00000-00002.json").write_text("{")
    again = list(encode_to(HashEncoder(), sources, options(tmp_path / "out")))
    assert [shard.is_new for shard in again] == [False, True, True, False]
    assert content(tmp_path / "out") == before


def test_a_shard_encoded_anew_keeps_no_letters_of_before(tmp_path, write):
    source, out = write([{"_id": "a", "text": "ants"}]), tmp_path / "out"
    out.mkdir()
    (out / "00000-00000.dead.jsonl").write_text("of a run that was killed before its marker\n")
    (shard,) = encode_to(HashEncoder(), [source], options(out))
    assert shard.marker.dead == 0
    assert not list(out.glob("*.dead.jsonl"))


def test_a_killed_run_goes_on_and_ends_with_each_document_once(tmp_path, write):
    sources, out = [write(lines(200))], tmp_path / "out"
    list(encode_to(HashEncoder(), sources, options(tmp_path / "whole")))
    for seen in (1, 4, 9):  # files there when it is killed
        child = get_context("spawn").Process(target=_encode_slowly, args=(sources, out))
        child.start()
        while len(list(out.glob("*.impacts.parquet"))) < seen:
            time.sleep(0.001)
        child.kill()
        child.join()
        assert child.exitcode == -SIGKILL
    list(encode_to(HashEncoder(), sources, options(out)))
    assert content(out) == content(tmp_path / "whole")


def test_what_a_killed_run_was_writing_is_removed_and_nobody_elses(tmp_path, write):
    source, out = write([{"_id": "a", "text": "ants"}]), tmp_path / "out"
    out.mkdir()
    ended = get_context("spawn").Process(target=int)
    ended.start()
    ended.join()
    others = f"elsewhere-{ended.pid}", f"{node()}-2-{ended.pid}"
    left = [f"{node()}-{ended.pid}", f"{node()}-{os.getppid()}", *others]
    for writer in left:
        (out / f"00000-00000.json.{writer}.new").touch()
    list(encode_to(HashEncoder(), [source], options(out)))
    there = {path.name for path in out.glob("*.new")}
    assert there == {f"00000-00000.json.{writer}.new" for writer in left[1:]}


class _Slow(HashEncoder):
    def encode_documents(self, texts):
        time.sleep(0.02)
        return super().encode_documents(texts)


def _encode_slowly(sources: list[str], folder: Path) -> None:
    list(encode_to(_Slow(), sources, options(folder)))


def test_a_folder_is_of_one_model_one_choice_of_fields_and_its_sources(tmp_path, write):
    source = write(lines(3))
    list(encode_to(HashEncoder(), [source], options(tmp_path / "out")))
    for encoder, sources, fields in (
        (HashEncoder(fingerprint="fe"), [source], Fields()),
        (HashEncoder(), [source], Fields(title=None)),
        (HashEncoder(), [write(lines(4), "other.jsonl")], Fields()),
    ):
        with pytest.raises(JobError, match=r"was begun with other .*: encode into a new folder"):
            list(encode_to(encoder, sources, options(tmp_path / "out", fields=fields)))
    with pytest.raises(JobError, match="cannot be read a second time: give a file"):
        list(encode_to(HashEncoder(), ["-"], options(tmp_path / "second")))


@pytest.mark.parametrize(("part", "parts", "size"), [(2, 2, 1), (-1, 2, 1), (0, 0, 1), (0, 1, 0)])
def test_a_part_that_is_none_is_refused(tmp_path, part, parts, size):
    with pytest.raises(ValueError, match=f"part={part} of parts={parts}, shard_documents={size}"):
        StoreOptions(tmp_path, part=part, parts=parts, shard_documents=size)


@pytest.mark.opensearch
def test_an_index_of_encoded_documents_is_the_one_of_the_documents(client, index, tmp_path, write):
    source = write([*lines(60), {"_id": "d0", "title": "", "text": "written again"}])
    packed = tmp_path / "docs.jsonl.gz"
    packed.write_bytes(gzip.compress(Path(source).read_bytes()))
    list(encode_to(HashEncoder(), [str(packed)], options(tmp_path / "out")))
    stored = StoredEncoder(read_manifest(tmp_path / "out"))
    fields = read_manifest(tmp_path / "out").fields
    direct = run(client, HashEncoder(), [source], IngestOptions(index, state_folder=tmp_path))
    other = IngestOptions(f"{index}-2", fields, state_folder=tmp_path)
    loaded = run(client, stored, [str(tmp_path / "out")], other)
    assert loaded == {**direct, "dead": 0}
    assert read(client, f"{index}-2") == read(client, index)
    # again, from a job of its own: only the id that comes twice is written
    again = IngestOptions(f"{index}-2", fields, state_folder=tmp_path / "new")
    counts = run(client, stored, [str(tmp_path / "out")], again)
    assert counts == {**dict.fromkeys(counts, 0), "indexed": 1, "unchanged": 55, "replaced": 1}


@pytest.mark.opensearch
def test_impacts_of_another_model_are_dead_not_stored(client, index, tmp_path, write):
    other = HashEncoder(100_000, fingerprint="fe")
    list(encode_to(other, [write([{"_id": "a", "text": "ants"}])], options(tmp_path / "out")))
    (file,) = encoded_files(tmp_path / "out")
    running = ingest(client, HashEncoder(), [file], IngestOptions(index, state_folder=tmp_path))
    (outcome,) = running
    assert outcome.reason == (
        "was encoded by another model (fe, not 0123456789abcdef): encode it anew"
    )


def run(client, encoder, sources, chosen) -> dict[str, int]:
    running = ingest(client, encoder, sources, chosen)
    for _ in running:
        pass
    return dict(running.counts)


def read(client, index) -> dict[str, object]:
    hits = client.search(index=index, body={"size": 1000})["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def test_documents_of_a_file_are_those_of_the_source(tmp_path, write):
    source = write(lines(30))
    list(encode_to(HashEncoder(), [source], options(tmp_path / "out")))
    wanted = [
        one.body
        for one in read_documents(source, Fields())
        if not one.reason and UNREADABLE not in one.text
    ]
    found = [
        one.body
        for file in encoded_files(tmp_path / "out")
        for one in read_documents(file, Fields())
    ]
    assert found == wanted
