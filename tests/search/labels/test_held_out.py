from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.documents.fields import Fields
from splare_os.index import IngestOptions
from splare_os.layout.labels import Label
from splare_os.layout.records import find_impacts
from splare_os.search.hits.reading import Reader
from splare_os.search.labels import held_out as module
from splare_os.search.labels.held_out import hold_out
from splare_os.search.labels.vocabulary import Vocabulary
from tests.hashing import WordEncoder

from ..filling import fill, planted

pytestmark = pytest.mark.opensearch


@pytest.fixture
def reader(client: OpenSearch, index: str, tmp_path: Path) -> Reader:
    encoder = WordEncoder()
    fill(client, encoder, IngestOptions(index, state_folder=tmp_path), planted(), tmp_path)
    there = find_impacts(client, index, Fields("text", None), encoder)
    return Reader(client, encoder, index, there)


def test_a_quarter_is_held_out_and_the_same_again(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabulary = Vocabulary(reader.client, reader.index, "text")
    found = hold_out(reader, vocabulary, 160)
    assert len(found.ids) == len(found.terms) == found.impacts.shape[0] == 40
    assert hold_out(reader, vocabulary, 160).ids == found.ids
    query = {"query": found.others, "track_total_hits": True, "size": 160}
    others = reader.client.search(index=reader.index, body=query)["hits"]["hits"]
    assert {hit["_id"] for hit in others} == planted().keys() - set(found.ids)
    monkeypatch.setattr(module, "MOST_HELD_OUT", 7)
    assert len(hold_out(reader, vocabulary, 160).ids) == 7


def test_labels_are_scored_by_their_words(reader: Reader) -> None:
    vocabulary = Vocabulary(reader.client, reader.index, "text")
    found = hold_out(reader, vocabulary, 160)
    oil, river = map(reader.encoder.latent, ("oil", "river"))  # type: ignore[attr-defined]
    labels = [Label(oil, "oils, Embargo", "x"), Label(river, "bridges", "x")]
    scored = found.scored(labels)
    assert [label.score for label in scored] == [1.0, 1.0]
    assert [label.baseline for label in scored] == [0.0, 0.0]
    n_oil = sum(int(name[1:]) < 80 for name in found.ids)
    assert [label.held_out for label in scored] == [n_oil, 40 - n_oil]
    wrong = found.scored([Label(oil, "bridge", "x"), Label(river, "river", "x")])
    assert [label.score for label in wrong] == [0.0, 1.0]


def test_of_three_documents_none_is_held_out(reader: Reader) -> None:
    found = hold_out(reader, Vocabulary(reader.client, reader.index, "text"), 3)
    assert (found.ids, found.impacts.shape[0]) == ((), 0)
    (label,) = found.scored([Label(3, "oil", "x")])
    assert (label.score, label.baseline, label.held_out) == (None, None, 0)
