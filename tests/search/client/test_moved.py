"""What a name stands for changes under a running client."""

import pytest
from opensearchpy import NotFoundError, OpenSearch

from splare_os.errors import ModelMismatchError
from splare_os.index import IngestOptions, ingest
from splare_os.search import SplareOpenSearch
from tests.hashing import HashEncoder

from ..asynchronous import Run
from ..conftest import Library

pytestmark = pytest.mark.opensearch

GUARDED = {"query": {"splare": {"text": {"query": "the oil embargo", "min_score": 0.001}}}}


@pytest.fixture
def other(client: OpenSearch, index: str, tmp_path, write) -> str:
    """An index of another model."""
    source = write([{"_id": "x", "text": "the oil embargo"}])
    list(ingest(client, HashEncoder(), [source], IngestOptions(index, state_folder=tmp_path)))
    return index


def test_what_only_selects_looks_anew_at_an_alias(
    splare: SplareOpenSearch, client: OpenSearch, library: Library, other: str
) -> None:
    alias = f"{other}-alias"
    client.indices.put_alias(index=library.index, name=alias)
    assert splare.count(index=alias, body=GUARDED)["count"] > 30
    client.indices.delete_alias(index=library.index, name=alias)
    client.indices.put_alias(index=other, name=alias)
    for call in (splare.count, splare.delete_by_query, splare.update_by_query):
        with pytest.raises(ModelMismatchError, match=other):
            call(index=alias, body=GUARDED)


def test_a_name_that_was_away_is_looked_at_anew(
    splare: SplareOpenSearch, client: OpenSearch, library: Library, other: str, run: Run
) -> None:
    alias = f"{other}-alias"

    def away() -> None:
        client.indices.delete_alias(index="*", name=alias)

    def move() -> None:
        client.indices.put_alias(index=other, name=alias)

    def back() -> None:
        client.indices.put_alias(index=library.index, name=alias)

    back()
    assert splare.search(index=alias, body=GUARDED, size=0)["hits"]["total"]["value"] > 30
    away()
    with pytest.raises(NotFoundError):
        splare.search(index=alias, body=GUARDED, size=0)
    move()
    with pytest.raises(ModelMismatchError, match=other):
        splare.search(index=alias, body=GUARDED, size=0)
    away()
    back()
    lines = [{"index": alias}, GUARDED | {"size": 0}]
    assert splare.msearch(body=lines)["responses"][0]["hits"]["total"]["value"] > 30
    away()
    assert splare.msearch(body=lines)["responses"][0]["status"] == 404
    move()
    assert other in splare.msearch(body=lines)["responses"][0]["error"]["reason"]

    async def asked(concurrent) -> None:
        away()
        back()
        await concurrent.search(index=alias, body=GUARDED, size=0)
        away()
        with pytest.raises(NotFoundError):
            await concurrent.search(index=alias, body=GUARDED, size=0)
        move()
        with pytest.raises(ModelMismatchError, match=other):
            await concurrent.search(index=alias, body=GUARDED, size=0)

    run(asked)


def test_a_search_of_an_msearch_is_of_the_indices_that_its_header_names(
    splare: SplareOpenSearch, library: Library, other: str
) -> None:
    body = GUARDED | {"size": 1}
    lines = [{"indices": [library.index]}, body, {"indices": other, "index": library.index}, body]
    first, second = splare.msearch(index=other, body=lines)["responses"]
    assert first["hits"] == second["hits"]
    assert first["hits"]["hits"][0]["_index"] == library.index
    for header in ({"indices": other}, {"index": ""}):  # the latter: all indices
        (refused,) = splare.msearch(index=library.index, body=[header, body])["responses"]
        assert refused["error"]["type"] == "model_mismatch_error"
