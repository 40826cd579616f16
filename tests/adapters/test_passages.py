import asyncio
from collections.abc import Callable

import pytest
from opensearchpy import OpenSearch

from splare_os.adapters.passages import Search
from splare_os.documents import Fields
from splare_os.errors import MappingError, ModelMismatchError, ReplyError
from splare_os.index import IngestOptions, ingest
from splare_os.search import AsyncSplareOpenSearch, Hybrid, SearchOptions, SplareOpenSearch, search
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch


def test_passages_are_the_clients_hits_without_impacts(
    splare: SplareOpenSearch, papers: str
) -> None:
    first, *others = Search(splare, papers).passages("oil embargo", 3)
    hits = splare.search(index=papers, body={"query": {"splare": {"text": "oil embargo"}}})
    scores = {hit["_id"]: hit["_score"] for hit in hits["hits"]["hits"]}
    assert (first.id, first.text) == ("2", "oil oil embargo")
    assert first.metadata == {"title": "Trade", "year": 1974, "lang": "fr"}
    assert {one.id: one.score for one in (first, *others)} == scores


def test_a_filter_holds_for_words_and_latents(splare: SplareOpenSearch, papers: str) -> None:
    english = {"term": {"lang.keyword": "en"}}
    for fused in (None, Hybrid()):
        found = Search(splare, papers, filter=english, hybrid=fused).passages("oil embargo", 9)
        assert sorted(one.id for one in found) == ["1", "3"]


def test_hybrid_passages_are_those_of_search(
    splare: SplareOpenSearch, encoder: HashEncoder, papers: str
) -> None:
    found = Search(splare, papers, hybrid=Hybrid()).passages("river oil", 4)
    hits = search(splare, encoder, papers, "river oil", SearchOptions(size=4, hybrid=Hybrid()))
    assert [(one.id, one.score) for one in found] == [(hit.id, hit.score) for hit in hits]


def test_passages_are_found_asynchronously_too(
    splare: SplareOpenSearch, encoder: HashEncoder, cluster_url: str, papers: str
) -> None:
    wanted = Search(splare, papers)

    async def found() -> None:
        async with AsyncSplareOpenSearch(cluster_url, encoder=encoder) as client:
            assert await wanted.passages_later(client, "oil", 2) == wanted.passages("oil", 2)
        assert await wanted.passages_later(None, "oil", 2) == wanted.passages("oil", 2)

    asyncio.run(found())


def test_another_model_is_refused(cluster_url: str, papers: str) -> None:
    other = HashEncoder(fingerprint="fedcba9876543210")
    with (
        SplareOpenSearch(cluster_url, encoder=other) as client,
        pytest.raises((ModelMismatchError, MappingError), match="fingerprint"),
    ):
        Search(client, papers).passages("oil", 1)


def test_no_passages_are_not_asked_for(splare: SplareOpenSearch, papers: str) -> None:
    with pytest.raises(ValueError, match="0 passages"):
        Search(splare, papers).passages("oil", 0)


def test_a_field_without_impacts_is_told_for_words_and_latents_too(
    splare: SplareOpenSearch, papers: str
) -> None:
    wanted = Search(splare, papers, "title", hybrid=Hybrid())
    with pytest.raises(MappingError, match="no impacts of 'title': it has those of text"):
        wanted.passages("oil", 2)

    async def found() -> None:
        with pytest.raises(MappingError, match="no impacts of 'title'"):
            await asyncio.wait_for(wanted.passages_later(None, "oil", 2), 30)

    asyncio.run(found())


def test_a_text_inside_of_objects_is_no_metadata(
    splare: SplareOpenSearch,
    client: OpenSearch,
    encoder: HashEncoder,
    index: str,
    write: Callable[..., str],
) -> None:
    parts = [{"text": "oil", "page": 1}, {"text": "river", "page": 2}]
    options = IngestOptions(index=index, fields=Fields("body.text", None))
    list(ingest(client, encoder, [write([{"_id": "1", "body": parts, "lang": "en"}])], options))
    client.indices.refresh(index=index)
    [found] = Search(splare, index).passages("oil", 2)
    assert found.text == "oil river"
    assert found.metadata == {"body": [{"page": 1}, {"page": 2}], "lang": "en"}


def test_passages_of_some_shards_alone_are_none(
    splare: SplareOpenSearch, papers: str, with_one_down: Callable[[str], str]
) -> None:
    names = with_one_down(papers)
    for hybrid in (None, Hybrid()):
        with pytest.raises(ReplyError, match="not all of its shards answer"):
            Search(splare, names, hybrid=hybrid).passages("oil", 3)
