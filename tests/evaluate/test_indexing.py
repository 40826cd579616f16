import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.evaluate.datasets import DataSet, read_dataset
from splare_os.evaluate.encoded import EncodedCorpus, LookUpEncoder, made_by
from splare_os.evaluate.indexing import index_bytes, index_name, indexed, indexed_texts
from splare_os.evaluate.languages import ANALYZERS, STANDARD
from splare_os.evaluate.store import Store
from splare_os.layout import FieldRecord, read_records
from splare_os.layout.statistics import Kept, keep_statistics, kept_statistics
from splare_os.scoring import K1, B, Saturation, Scoring
from splare_os.statistics import Statistics
from tests.evaluate.by_hand import ONCE, TWICE, kept
from tests.evaluate.folders import CORPUS, save_folder, write
from tests.hashing import CutEncoder, HashEncoder
from tests.models import build_tiny


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
def test_an_index_that_is_made_anew_has_no_statistics_of_the_one_before(
    data: DataSet, client: OpenSearch, encoder: HashEncoder, index: str
) -> None:
    frequency = np.ones(7)  # of another width, as no index of this model could have
    before = Kept(Statistics(9, frequency, 1.0), encoder.fingerprint, datetime.now(UTC))
    keep_statistics(client, index, "text_splare", before)
    with indexed(client, encoder, data):
        kept_now = kept_statistics(client, [index], "text_splare")[index].statistics
    assert kept_now.documents == 4
    assert kept_now.document_frequency[encoder.latent("water")] == 2


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
def test_each_scoring_has_an_index_whose_record_tells_what_impacts_went_through(
    data: DataSet, client: OpenSearch, encoder: HashEncoder, indices: dict[Scoring, str]
) -> None:
    record = FieldRecord("hash", encoder.fingerprint, encoder.n_latents, 400, ("title", "text"))
    stored = {"calibrated": (Saturation(K1), kept), "dot": (None, float)}
    water = str(encoder.latent("water"))
    for scoring, (saturation, as_kept) in stored.items():
        with indexed(client, encoder, data, scoring=scoring) as name:
            assert name == indices[scoring]
            found = read_records(client, name)[name]["text_splare"]
            for document, impact in (("d2", ONCE), ("d4", TWICE)):
                field = client.get(index=name, id=document)["_source"]["text_splare"]
                assert field["impacts"][water] == pytest.approx(as_kept(impact), rel=1e-6)
        assert found == replace(record, saturation=saturation)


@pytest.mark.opensearch
def test_with_a_prior_the_record_tells_how_long_documents_are(
    data: DataSet, client: OpenSearch, encoder: HashEncoder, indices: dict[Scoring, str]
) -> None:
    encoder.prior = Statistics(10, np.zeros(1 << 16), 20.0)  # type: ignore[attr-defined]
    with indexed(client, encoder, data, keep=False) as name:
        assert name not in indices.values()
        found = read_records(client, name)[name]["text_splare"].saturation
        field = client.get(index=name, id="d4")["_source"]["text_splare"]
    assert found == Saturation(K1, B, mean_length=2.0)
    assert field["length"] == 4.0  # eight words, half for each
    water = field["impacts"][str(encoder.latent("water"))]
    assert water == pytest.approx(kept(TWICE, b=B, length_to_mean=4.0 / 2.0), rel=1e-6)


@pytest.mark.opensearch
def test_documents_that_the_cluster_refuses_are_told(
    folder: Path, client: OpenSearch, encoder: HashEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    write(folder / "corpus.jsonl", [*CORPUS, {"_id": "d5", "text": "water", "text_splare": 1}])
    with indexed(client, encoder, read_dataset(folder, "tiny"), keep=False) as name:
        assert count(client, name) == 4
    assert "lacks 1 of 5 documents, so figures are too low; reasons in" in caplog.text


@pytest.mark.opensearch
@pytest.mark.usefixtures("index")
def test_texts_have_an_index_without_impacts_that_is_filled_once(
    data: DataSet, client: OpenSearch, encoder: HashEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with indexed_texts(client, data) as index:
        assert count(client, index) == 4
        (segments,) = client.indices.segments(index=index)["indices"][index]["shards"]["0"]
        assert segments["num_search_segments"] == 1
        assert client.get(index=index, id="d1")["_source"].keys() == {"title", "text", "metadata"}
        mapping = client.indices.get_mapping(index=index)[index]["mappings"]
        assert mapping["properties"].keys() == {"title", "text", "content"}
        assert index_bytes(client, index) > 0
    with indexed_texts(client, data, keep=False):
        assert f"reuse index={index} documents=4" in caplog.messages
    assert not client.indices.exists(index=index)
    assert encoder.batches == []


@pytest.mark.opensearch
def test_a_cut_has_an_index_of_its_own(
    data: DataSet, client: OpenSearch, encoder: HashEncoder
) -> None:
    with indexed(client, encoder, data, top_k=2, keep=False) as cut:
        source = client.get(index=cut, id="d4")["_source"]
        assert source["text_splare"]["count"] == 2
    assert cut != index_name(data, *made_by(encoder), "400")


@pytest.mark.opensearch
def test_a_cut_above_what_the_model_gives_keeps_all_of_it(
    data: DataSet, client: OpenSearch, tmp_path: Path
) -> None:
    corpus = EncodedCorpus(CutEncoder(), data, Store(tmp_path / "store"))
    with indexed(client, LookUpEncoder(corpus), data, top_k=400, keep=False) as name:
        assert read_records(client, name)[name]["text_splare"].top_k == 2
        assert count(client, name) == 4


def test_another_corpus_or_model_has_another_index(folder: Path, tmp_path: Path) -> None:
    data = read_dataset(folder, "Tiny/de")
    assert index_name(data, "a").startswith("splare-eval-tiny-de-")
    other = save_folder(tmp_path / "other")
    write(other / "corpus.jsonl", CORPUS[:3])
    names = [index_name(data, "a"), index_name(data, "b"), index_name(data, "a", "100")]
    assert len({*names, index_name(read_dataset(other, "Tiny/de"), "a")}) == 4


@pytest.mark.opensearch
def test_fields_of_clashing_types_are_kept_and_refuse_no_document(
    folder: Path, client: OpenSearch, encoder: HashEncoder
) -> None:
    more = [{"metadata": {"year": 2001}}, {"metadata": {"year": "n/a"}}]
    rows = [row | other for row, other in zip(CORPUS, more, strict=False)]
    write(folder / "corpus.jsonl", rows)
    data = read_dataset(folder, "tiny")
    with (
        indexed(client, encoder, data, keep=False) as latents,
        indexed_texts(client, data, keep=False) as texts,
    ):
        for name in (latents, texts):
            assert count(client, name) == 2
            assert client.get(index=name, id="d2")["_source"]["metadata"] == {"year": "n/a"}


def test_an_encoder_that_looks_up_has_the_index_of_the_one_behind_it(
    data: DataSet, tmp_path: Path
) -> None:
    tiny = build_tiny(tmp_path)
    tiny.save(tmp_path / "tiny")
    corpus = EncodedCorpus(tiny, data, Store(tmp_path / "store"))
    assert made_by(LookUpEncoder(corpus)) == made_by(tiny)
    in_float32 = made_by(tiny)
    tiny.model.bfloat16()
    in_bfloat16 = made_by(LookUpEncoder(EncodedCorpus(tiny, data, corpus.store)))
    tiny.card = replace(tiny.card, document_top_k=7)
    assert len({in_float32, in_bfloat16, made_by(tiny)}) == 3


@pytest.mark.opensearch
def test_texts_are_analysed_for_their_language(client: OpenSearch, tmp_path: Path) -> None:
    folder = save_folder(tmp_path / "deutsch")
    german = ["Die Häuser sind in der Stadt und nicht auf dem Land", "Der Preis ist von den Autos"]
    corpus = [{"_id": f"d{n}", "title": "", "text": text} for n, text in enumerate(german, 1)]
    write(folder / "corpus.jsonl", corpus)
    data = read_dataset(folder, "deutsch")
    assert data.analyzer == "german"
    with indexed_texts(client, data, keep=False) as index:
        found = client.search(index=index, body={"query": {"match": {"content": "Haus"}}})
        assert [hit["_id"] for hit in found["hits"]["hits"]] == ["d1"]
    with indexed_texts(client, replace(data, analyzer="english"), keep=False) as other:
        assert other != index
        found = client.search(index=other, body={"query": {"match": {"content": "Haus"}}})
        assert found["hits"]["hits"] == []


@pytest.mark.opensearch
def test_every_analyzer_is_one_of_the_servers(client: OpenSearch) -> None:
    for analyzer in sorted({*ANALYZERS.values(), STANDARD}):
        client.indices.analyze(body={"analyzer": analyzer, "text": "a word"})
