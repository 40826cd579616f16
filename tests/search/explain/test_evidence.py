from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import ReplyError
from splare_os.index import IngestOptions, ingest
from splare_os.layout.records import read_records
from splare_os.search.clause.clause import Clause
from splare_os.search.explain.evidence import Sought, fetched, gathered
from tests.hashing import WordEncoder

pytestmark = pytest.mark.opensearch

FETCHED = {"impacts", "digest"}
TEXTS = {"a": "the oil war", "b": "oil", "c": "river"}


@pytest.fixture
def filled(client: OpenSearch, index: str, write: Callable[..., str], tmp_path: Path) -> str:
    lines = [{"_id": name, "text": text} for name, text in TEXTS.items()]
    list(ingest(client, WordEncoder(), [write(lines)], IngestOptions(index, state_folder=tmp_path)))
    return index


def hits_of(client: OpenSearch, index: str) -> list[dict[str, Any]]:
    asked = {"seq_no_primary_term": True, "sort": "_id", "_source": False}
    hits: list[dict[str, Any]] = client.search(index=index, body=asked)["hits"]["hits"]
    return sorted(hits, key=lambda hit: str(hit["_id"]))


def sought(client: OpenSearch, index: str, query: str, **options: Any) -> Sought:
    records = {name: each["text_splare"] for name, each in read_records(client, index).items()}
    weights = WordEncoder().encode_queries([query])
    return Sought(Clause("text", query, **options), "text_splare", records, weights, None)


def test_documents_come_with_the_texts_and_impacts_that_clauses_read(
    client: OpenSearch, filled: str
) -> None:
    hits, clauses = hits_of(client, filled), [sought(client, filled, "oil")]
    sources = fetched(client, hits, [clauses] * 3, {})
    assert [source and source["text"] for source in sources] == list(TEXTS.values())
    assert all(source and source["text_splare"].keys() == FETCHED for source in sources)
    found = gathered(WordEncoder(), hits, sources, [clauses] * 3)
    latent = WordEncoder().latent("oil")
    assert [one.spans.get(latent) for (one,) in found] == [(4, 7), (0, 3), None]
    assert [len(one.contributions) for (one,) in found] == [1, 1, 0]
    assert [one.score > 0 for (one,) in found] == [True, True, False]


def test_another_version_than_the_search_found_is_not_looked_at(
    client: OpenSearch, filled: str
) -> None:
    hits, clauses = hits_of(client, filled), [sought(client, filled, "oil")]
    client.update(index=filled, id="a", body={"doc": {"text": "the oil war again"}})
    client.delete(index=filled, id="b", refresh=True)
    sources = fetched(client, hits, [clauses] * 3, {})
    assert [source is None for source in sources] == [True, True, False]
    assert gathered(WordEncoder(), hits, sources, [clauses] * 3)[:2] == [[], []]


def test_a_text_that_is_no_unicode_any_more_has_changed(client: OpenSearch, filled: str) -> None:
    half = b'{"doc": {"text": "the oil \\ud83d"}}'
    client.update(index=filled, id="a", body=half, refresh=True)
    hits, clauses = hits_of(client, filled), [sought(client, filled, "oil")]
    found = gathered(WordEncoder(), hits, fetched(client, hits, [clauses] * 3, {}), [clauses] * 3)
    ((changed,), *_) = found
    assert (len(changed.contributions), changed.spans, changed.found.is_current) == (1, {}, False)


def test_documents_with_a_routing_are_found(client: OpenSearch, filled: str) -> None:
    source = client.get(index=filled, id="a")["_source"]
    client.index(index=filled, id="r", routing="x", body=source, refresh=True)
    hit = next(hit for hit in hits_of(client, filled) if hit["_id"] == "r")
    assert hit["_routing"] == "x"
    (found,) = fetched(client, [hit], [[sought(client, filled, "oil")]], {})
    assert found is not None
    assert found["text"] == TEXTS["a"]


def test_a_clause_finds_nothing_below_its_min_score(client: OpenSearch, filled: str) -> None:
    hits = hits_of(client, filled)
    clauses = [sought(client, filled, "the oil war", min_score=1.0)]
    sources = fetched(client, hits, [clauses] * 3, {})
    found = gathered(WordEncoder(), hits, sources, [clauses] * 3)
    assert [bool(one.contributions) for (one,) in found] == [True, False, False]


def test_nothing_is_asked_for_hits_of_other_indices_or_none(client: OpenSearch) -> None:
    assert fetched(client, [], [], {}) == []
    hit = {"_index": "other", "_id": "a", "_seq_no": 0, "_primary_term": 1}
    assert fetched(client, [hit], [[]], {}) == [None]


def test_a_hit_that_does_not_tell_its_document_is_refused(client: OpenSearch) -> None:
    with pytest.raises(ReplyError, match="without _id, _seq_no, _primary_term"):
        fetched(client, [{"_index": "papers"}], [[]], {})


def test_documents_that_cannot_be_read_are_told(client: OpenSearch, filled: str) -> None:
    hits, clauses = hits_of(client, filled), [sought(client, filled, "oil")]
    client.indices.close(index=filled)
    with pytest.raises(ReplyError, match="'a' of .* was found, and cannot be read: .*closed"):
        fetched(client, hits, [clauses] * 3, {})
    client.indices.delete(index=filled)
    assert fetched(client, hits, [clauses] * 3, {}) == [None] * 3


@pytest.mark.parametrize("docs", [None, [], [{}], [None] * 3, ["a", "b", "c"]])
def test_a_reply_of_other_documents_is_told(
    client: OpenSearch, filled: str, docs: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    hits, clauses = hits_of(client, filled), [sought(client, filled, "oil")]
    monkeypatch.setattr(client, "mget", lambda **_: {"docs": docs})
    with pytest.raises(ReplyError, match="Is there a proxy"):
        fetched(client, hits, [clauses] * 3, {})
