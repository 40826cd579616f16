import pytest
from opensearchpy import OpenSearch

from splare_os.documents.fields import Fields
from splare_os.index import replay
from splare_os.layout import PIPELINE, ensure_index, put_pipeline
from splare_os.layout.pipeline import DEAD_LETTERS
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch


@pytest.fixture
def fed(client: OpenSearch, index: str, encoder: HashEncoder) -> str:
    """An index with a default pipeline, and a letter of a document that this could not mend."""
    put_pipeline(client)
    ensure_index(client, index, encoder, Fields())
    client.indices.put_settings(index=index, body={"index": {"default_pipeline": PIPELINE}})
    reply = client.index(index=index, id="bad", body={"text": "oil", "text_splare": 7})
    assert reply["_index"] == DEAD_LETTERS
    return index


def letters(client: OpenSearch, index: str) -> list[dict]:
    client.indices.refresh(index=DEAD_LETTERS)
    found = client.search(index=DEAD_LETTERS, body={"query": {"term": {"index": index}}})
    return [hit["_source"] for hit in found["hits"]["hits"]]


def test_a_letter_that_fails_again_is_there_once(client: OpenSearch, fed: str) -> None:
    [one] = replay(client, fed)
    assert (one.id, "again" in one.reason) == ("bad", True)
    [letter] = letters(client, fed)
    assert letter["document"] == {"text": "oil", "text_splare": 7}


def test_what_is_stored_leaves_the_letters(client: OpenSearch, fed: str) -> None:
    pipeline = {"processors": [{"remove": {"field": "text_splare"}}]}
    client.ingest.put_pipeline(id=f"{fed}-mended", body=pipeline)
    client.indices.put_settings(index=fed, body={"index": {"default_pipeline": f"{fed}-mended"}})
    assert [one.reason for one in replay(client, fed)] == [""]
    assert client.get(index=fed, id="bad")["_source"] == {"text": "oil"}
    assert letters(client, fed) == []
    client.indices.put_settings(index=fed, body={"index": {"default_pipeline": None}})
    client.ingest.delete_pipeline(id=f"{fed}-mended")


def test_what_the_index_refuses_stays_a_letter(client: OpenSearch, fed: str) -> None:
    client.indices.put_settings(index=fed, body={"index": {"default_pipeline": None}})
    [one] = replay(client, fed)
    assert "text_splare" in one.reason
    assert len(letters(client, fed)) == 1


def test_letters_of_other_indices_are_left(client: OpenSearch, fed: str) -> None:
    assert list(replay(client, "another")) == []
    assert len(letters(client, fed)) == 1
