"""Indices that a backfill refuses, and leaves as they are."""

import pytest

from splare_os.errors import MappingError, ModelMismatchError
from splare_os.index import BackfillOptions, BackfillRun, backfill
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

TEXT = {"text": {"type": "text"}}


@pytest.fixture
def fill(client, index, tmp_path):
    """Run a backfill to its end."""

    def run(encoder: HashEncoder | None = None) -> BackfillRun:
        options = BackfillOptions(index, state_folder=tmp_path, share=1.0)
        running = backfill(client, encoder or HashEncoder(), options)
        list(running)
        return running

    return run


@pytest.mark.parametrize(
    ("mappings", "message"),
    [
        ({"properties": {"body": {"type": "text"}}}, "has no field 'text'; it has body"),
        ({"properties": TEXT, "_source": {"enabled": False}}, "keeps documents in part only"),
        ({"properties": TEXT, "_source": {"excludes": ["secret"]}}, "would lose the rest"),
        ({"properties": TEXT | {"text_splare": {"type": "keyword"}}}, "in another shape"),
    ],
)
def test_an_index_that_does_not_fit_is_refused_and_left_alone(
    client, index, fill, mappings, message
):
    client.indices.create(index=index, body={"mappings": mappings})
    before = client.indices.get_mapping(index=index)
    with pytest.raises(MappingError, match=message):
        fill()
    assert client.indices.get_mapping(index=index) == before


def test_an_index_that_is_not_there_is_not_made(client, index, fill):
    with pytest.raises(MappingError, match="no index"):
        fill()
    assert not client.indices.exists(index=index)


def test_another_model_is_refused(client, index, fill):
    client.index(index=index, id="a", body={"text": "ants"})
    fill()
    with pytest.raises(ModelMismatchError, match="Another version of 'hash' made it"):
        fill(encoder=HashEncoder(fingerprint="f" * 16))
