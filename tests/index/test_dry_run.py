"""What a job would do, and that it does nothing."""

import gzip
import json

import pytest

from splare_os.documents import Fields
from splare_os.errors import JobError
from splare_os.index import IngestOptions
from splare_os.index.dry_run import BYTES_AN_IMPACT, TEXT_SHARE, DryRun, dry_run
from tests.hashing import CutEncoder, HashEncoder


def of(write, *documents: object, encoder: HashEncoder | None = None, **options) -> DryRun:
    return dry_run(encoder or HashEncoder(), [write(documents)], IngestOptions("i", **options))


def test_outcomes_are_those_that_documents_tell(write):
    documents = [
        {"_id": "a", "text": "ants carry leaves"},
        {"_id": "b", "text": ""},
        {"_id": "a", "text": "bees"},
        b"{",
        b'{"_id": ',
        {"text": "x"},
    ]
    found = of(write, *documents)
    assert (found.documents, found.empty, found.replaced, found.dead) == (6, 1, 1, 3)
    assert found.dead_reasons == {"invalid JSON": 2, "no id": 1}
    assert (found.sample, found.impacts) == (2, 2.0)


def test_size_and_time_are_told_from_a_sample(write):
    documents = [{"_id": f"d{k}", "text": "ants carry leaves"} for k in range(1000)]
    found = of(write, *documents)
    raw = sum(len(json.dumps(document)) for document in documents)
    assert (found.sample, found.source_bytes, found.impacts) == (512, raw, 3.0)
    assert found.index_bytes == round(TEXT_SHARE * raw + BYTES_AN_IMPACT * 3 * 1000)
    assert found.encode_s == pytest.approx(1000 / found.encoded_per_s, abs=0.1)


def test_a_cut_makes_an_index_smaller(write):
    document = {"_id": "a", "text": "ants carry leaves"}
    assert of(write, document, top_k=1).impacts == 1.0
    assert of(write, document, encoder=CutEncoder()).impacts == 2.0
    assert of(write, document, mass=0.5).impacts < 3.0
    with pytest.raises(ValueError, match="top_k=3"):
        of(write, document, encoder=CutEncoder(), top_k=3)


def test_without_a_text_there_is_nothing_to_tell_from(write):
    found = of(write, {"_id": "a", "text": " "}, b"[]")
    assert (found.documents, found.empty, found.dead) == (2, 1, 1)
    assert (found.impacts, found.encode_s, found.index_bytes) == (None, None, None)


def test_fields_are_those_of_the_run_and_nothing_is_written(tmp_path):
    path = tmp_path / "docs.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"key": 1, "about": {"text": ["ants", "bees"]}}\n'))
    fields = Fields("about.text", None, "key")
    options = IngestOptions("i", fields, state_folder=tmp_path / "state")
    assert dry_run(HashEncoder(), [str(path)], options).impacts == 2.0
    assert [entry.name for entry in tmp_path.iterdir()] == ["docs.jsonl.gz"]


def test_a_source_that_is_not_there_is_told(tmp_path):
    with pytest.raises(JobError, match="no such file"):
        dry_run(HashEncoder(), [str(tmp_path / "none.jsonl")], IngestOptions("i"))
