import json
from pathlib import Path

import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.documents.fields import Fields
from splare_os.index import IngestOptions
from splare_os.layout.records import find_impacts
from splare_os.search.hits.reading import Reader
from tests.hashing import HashEncoder

from ..filling import fill

pytestmark = pytest.mark.opensearch

TEXTS = {"a": "oil price", "b": "oil", "c": "river", "d": "war", "e": ""}


def reader(client: OpenSearch, index: str) -> Reader:
    encoder = HashEncoder()
    return Reader(
        client, encoder, index, find_impacts(client, index, Fields("text", None), encoder)
    )


@pytest.fixture(params=[False, True], ids=["whole", "compact"])
def filled(request: pytest.FixtureRequest, client: OpenSearch, index: str, tmp_path: Path) -> str:
    options = IngestOptions(index, scoring="dot", state_folder=tmp_path, compact=request.param)
    fill(client, HashEncoder(), options, TEXTS, tmp_path)
    return index


def test_documents_are_read_with_their_impacts(client: OpenSearch, filled: str) -> None:
    read = reader(client, filled).read({"match_all": {}}, 10)
    assert sorted(read.keys) == [(filled, name) for name in TEXTS]
    assert (read.total, read.unknown) == (5, 0)
    assert read.texts == [TEXTS[name] for _, name in read.keys]
    wanted = HashEncoder().encode_documents(read.texts)
    assert np.array_equal(read.impacts.toarray(), wanted.toarray())


def test_a_changed_text_of_a_compact_index_is_unknown(
    request: pytest.FixtureRequest, client: OpenSearch, filled: str
) -> None:
    is_compact = "[compact]" in request.node.name
    body = {"script": "ctx._source.text = 'bridge'", "query": {"ids": {"values": ["a"]}}}
    client.update_by_query(index=filled, body=body, params={"refresh": "true"})
    read = reader(client, filled).read({"match_all": {}}, 10)
    assert (len(read.keys), read.unknown) == ((4, 1) if is_compact else (5, 0))


def test_documents_that_nobody_encoded_are_unknown(client: OpenSearch, filled: str) -> None:
    client.index(index=filled, id="f", body={"text": "oil"}, params={"refresh": "true"})
    read = reader(client, filled).read({"match": {"text": "oil"}}, 10)
    assert (sorted(name for _, name in read.keys), read.total, read.unknown) == (["a", "b"], 3, 1)


def test_the_best_of_a_query_are_read_and_chance_decides_between_equals(
    client: OpenSearch, filled: str
) -> None:
    ours = reader(client, filled)
    best = ours.read({"match": {"text": "oil"}}, 1)
    assert ([name for _, name in best.keys], best.total) == (["b"], 2)
    drawn = {ours.read({"match_all": {}}, 1, seed=seed).keys[0] for seed in range(12)}
    assert len(drawn) > 1
    again = [ours.read({"match_all": {}}, 3, seed=5).keys for _ in range(2)]
    assert again[0] == again[1]


def test_a_splare_clause_is_a_query_too(client: OpenSearch, filled: str) -> None:
    clause = {"splare": {"text": {"query": "oil", "scoring": "dot"}}}
    read = reader(client, filled).read({"bool": {"must": [clause]}}, 10)
    assert sorted(name for _, name in read.keys) == ["a", "b"]


@pytest.mark.parametrize("size", [0, 10_001])
def test_more_than_a_server_returns_is_refused(client: OpenSearch, filled: str, size: int) -> None:
    with pytest.raises(ValueError, match=f"{size} documents cannot be read at once"):
        reader(client, filled).read({"match_all": {}}, size)


def test_what_others_wrote_into_impacts_does_not_count(
    client: OpenSearch, index: str, tmp_path: Path
) -> None:
    options = IngestOptions(index, scoring="dot", state_folder=tmp_path)
    fill(client, HashEncoder(), options, TEXTS, tmp_path)
    document = {"text": "x", "text_splare": {"impacts": {"7": 1.5, "600": 1.0, "x": 2.0}}}
    client.index(index=index, id="f", body=json.dumps(document), params={"refresh": "true"})
    read = reader(client, index).read({"ids": {"values": ["f"]}}, 10)
    assert (read.impacts.indices.tolist(), read.impacts.data.tolist()) == ([7], [1.5])
