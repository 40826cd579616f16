import logging
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.evaluate.datasets import read_dataset
from splare_os.evaluate.indexing import index_name, indexed
from tests.evaluate.folders import CORPUS, save_folder, write
from tests.index.hashing import HashEncoder


def count(client: OpenSearch, index: str) -> int:
    return int(client.count(index=index)["count"])


@pytest.mark.opensearch
def test_a_second_time_uses_the_index_again_unless_it_was_not_kept(
    folder: Path,
    client: OpenSearch,
    encoder: HashEncoder,
    index: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    data = read_dataset(folder, "tiny")
    with indexed(client, encoder, data) as name:
        assert (name, count(client, name)) == (index, 4)
    assert f"fill index={index} documents=4" in caplog.messages
    encoder.batches.clear()
    with indexed(client, encoder, data, keep=False) as name:
        assert count(client, name) == 4
    assert encoder.batches == []
    assert f"reuse index={index} documents=4" in caplog.messages
    assert not client.indices.exists(index=index)


@pytest.mark.opensearch
def test_an_index_that_lacks_documents_is_filled(
    folder: Path, client: OpenSearch, encoder: HashEncoder, index: str
) -> None:
    data = read_dataset(folder, "tiny")
    with indexed(client, encoder, data):
        client.delete(index=index, id="d1")
    with indexed(client, encoder, data):
        assert count(client, index) == 4


@pytest.mark.opensearch
def test_documents_that_the_cluster_refuses_are_told(
    folder: Path, client: OpenSearch, encoder: HashEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    write(folder / "corpus.jsonl", [*CORPUS, {"_id": "d5", "text": "water", "text_splare": 1}])
    with indexed(client, encoder, read_dataset(folder, "tiny"), keep=False) as name:
        assert count(client, name) == 4
    assert "lacks 1 of 5 documents, so figures are too low; reasons in" in caplog.text


def test_another_corpus_or_model_has_another_index(
    folder: Path, tmp_path: Path, encoder: HashEncoder
) -> None:
    data = read_dataset(folder, "Tiny/de")
    assert index_name(data, encoder).startswith("splare-eval-tiny-de-")
    other = save_folder(tmp_path / "other")
    write(other / "corpus.jsonl", CORPUS[:3])
    found = {
        index_name(data, encoder),
        index_name(data, HashEncoder(fingerprint="f" * 16)),
        index_name(read_dataset(other, "Tiny/de"), encoder),
    }
    assert len(found) == 3
