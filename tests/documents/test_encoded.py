"""What reads a folder of encoded documents; that one is made is shown in tests/encode."""

from dataclasses import replace
from pathlib import Path

import pytest

from splare_os.documents import Fields, find_sources, read_documents
from splare_os.documents.encoded import (
    StoredEncoder,
    encoded_files,
    find_manifest,
    find_markers,
    read_manifest,
)
from splare_os.encode.stored import StoreOptions, encode_to
from splare_os.errors import EncoderError, JobError
from tests.hashing import CutEncoder, HashEncoder

pytestmark = pytest.mark.sources


@pytest.fixture
def encode(tmp_path, write):
    def encode_lines(
        documents, name: str = "out", encoder: HashEncoder | None = None, size: int = 4, **fields
    ) -> Path:
        options = StoreOptions(tmp_path / name, Fields(**fields), shard_documents=size)
        list(encode_to(encoder or HashEncoder(), [write(documents)], options))
        return tmp_path / name

    return encode_lines


def lines(n: int) -> list[object]:
    return [{"_id": f"d{k}", "text": f"ants {k}"} for k in range(n)]


def test_documents_come_with_the_impacts_of_their_model(encode):
    (first, second) = encoded_files(encode(lines(5)))
    found = list(read_documents(first, Fields()))
    assert [(one.id, one.line, one.text) for one in found] == [
        (f"d{k}", k + 1, f"ants {k}") for k in range(4)
    ]
    encoder = HashEncoder()
    expected = sorted(encoder.latent(word) for word in ("ants", "2"))
    assert found[2].impacts is not None
    assert found[2].impacts.latents.tolist() == expected
    assert found[2].impacts.values.tolist() == [0.5, 0.5]
    assert found[2].impacts.model == encoder.fingerprint
    assert [one.id for one in read_documents(second, Fields())] == ["d4"]


@pytest.mark.parametrize("after", [0, 1, 3, 299, 300])
def test_reading_goes_on_behind_any_row(encode, after):
    (file,) = encoded_files(encode(lines(300), size=1000))
    rest = list(read_documents(file, Fields(), after=after))
    assert [one.line for one in rest] == list(range(after + 1, 301))
    assert all(one.impacts is not None and len(one.impacts.latents) == 2 for one in rest)


def test_a_text_other_than_the_encoded_one_is_dead(encode):
    (file,) = encoded_files(encode([{"_id": "a", "title": "bees", "text": "ants"}]))
    (found,) = read_documents(file, Fields(title=None))
    assert found.reason == "its text is not the one that was encoded: name the same fields"


def test_a_file_cut_short_is_not_whole(encode):
    folder = encode(lines(9))
    cut = folder / "00000-00001.impacts.parquet"
    cut.write_bytes(cut.read_bytes()[:-9])
    (folder / "00000-notes.json").write_text("{}")  # somebody else's
    assert list(find_markers(folder, 0)) == [0, 2]
    with pytest.raises(JobError, match=r"00000-00001.impacts.parquet of .*docs.jsonl is not there"):
        find_sources([str(folder)])


def test_the_end_of_a_source_may_be_missing(encode):
    folder = encode(lines(9))
    (folder / "00000-00002.json").unlink()
    with pytest.raises(JobError, match=r"00000-00002.* run the same `splare-os encode --out`"):
        encoded_files(folder)


def test_a_byte_that_flipped_is_told(encode):
    folder = encode(lines(200), size=1000)
    (file,) = encoded_files(folder)
    content = bytearray(Path(file).read_bytes())
    content[len(content) // 2] ^= 0xFF
    Path(file).write_bytes(content)
    with pytest.raises(JobError, match=r"cannot be read .*delete it and its marker"):
        list(read_documents(file, Fields()))


def test_sources_are_encoded_all_or_none(encode, write):
    folder, other = encode(lines(3)), write(lines(2), "other.jsonl")
    assert find_manifest([other]) is None
    assert find_manifest([str(folder)]) == read_manifest(folder)
    assert find_manifest([encoded_files(folder)[0]]) == read_manifest(folder)
    with pytest.raises(JobError, match="other sources do not: index them one after"):
        find_manifest([str(folder), other])
    with pytest.raises(JobError, match="are of different models or fields"):
        find_manifest([str(folder), str(encode(lines(3), "second", CutEncoder(256, "fe")))])


def test_a_manifest_of_another_version_is_refused(encode):
    folder = encode(lines(1))
    newer = replace(read_manifest(folder), version=2)
    (folder / "splare-encoded.json").write_bytes(newer.to_json())
    with pytest.raises(JobError, match="version 2, this one reads 1: encode anew"):
        find_manifest([str(folder)])
    (folder / "splare-encoded.json").write_text("{")
    with pytest.raises(JobError, match="cannot be read"):
        find_manifest([str(folder)])


def test_a_stored_encoder_knows_its_model_and_encodes_nothing(encode):
    encoder = StoredEncoder(read_manifest(encode(lines(1), encoder=CutEncoder(64))))
    assert (encoder.name, encoder.n_latents, encoder.document_top_k) == ("hash", 64, 2)
    assert encoder.fingerprint == CutEncoder().fingerprint
    for call in (encoder.encode_documents, encoder.encode_queries, encoder.spans):
        with pytest.raises(EncoderError, match="only those of 'hash' are here: encode them with"):
            call(["ants"])
