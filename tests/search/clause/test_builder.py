"""opensearch-py's `Document` and query builder, with a worker, a backfill and a real server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import Document, Keyword, Object, OpenSearch, Q, Search, Text
from opensearchpy._async.helpers.document import AsyncDocument
from opensearchpy.connection import async_connections
from opensearchpy.helpers.field import construct_field

from splare_os.documents.fields import Fields
from splare_os.index import BackfillOptions, IngestOptions, backfill, ingest
from splare_os.layout.mapping import properties
from splare_os.search import SplareField, SplareOpenSearch
from tests.hashing import HashEncoder

from ..asynchronous import Run


class Article(Document):
    title = Text(analyzer="english", copy_to="content")
    text = Text(analyzer="english", copy_to="content")
    group = Keyword()
    text_splare = SplareField()


class AsyncArticle(AsyncDocument):
    text = Text()
    text_splare = SplareField()


@pytest.fixture
def ours(cluster_url: str, index: str) -> Iterator[SplareOpenSearch]:
    with SplareOpenSearch(cluster_url, encoder=HashEncoder()) as client:
        Article.init(index=index, using=client)
        yield client


def worked(client: OpenSearch, index: str, source: str, folder: Path) -> dict[str, int]:
    options = IngestOptions(index, state_folder=folder, is_restarted=True)
    running = ingest(client, HashEncoder(), [source], options)
    for _ in running:
        pass
    return {status: n for status, n in running.counts.items() if n}


def backfilled(client: OpenSearch, index: str, folder: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for outcome in backfill(client, HashEncoder(), BackfillOptions(index, state_folder=folder)):
        found[outcome.status] = found.get(outcome.status, 0) + 1
    return found


def test_the_field_is_mapped_as_the_worker_maps_it() -> None:
    assert Article._doc_type.mapping.to_dict()["properties"]["text_splare"] == {
        "type": "object",
        **properties(Fields())["text_splare"],
    }
    assert type(construct_field("object")) is Object  # theirs stays theirs


def test_a_clause_is_built() -> None:
    built = Search().query(Q("splare", text="oil") & Q("term", group="a")).to_dict()
    assert built["query"]["bool"]["must"][0] == {"splare": {"text": "oil"}}


@pytest.mark.opensearch
def test_the_worker_takes_an_index_that_a_document_made(
    ours: SplareOpenSearch, index: str, write, tmp_path: Path
) -> None:
    lines = [{"_id": "a", "title": "T", "text": "the oil"}, {"_id": "b", "text": "the war"}]
    assert worked(ours, index, write(lines), tmp_path) == {"indexed": 2}
    found = Article.search(using=ours, index=index).query(Q("splare", text="oil")).execute()
    assert [(hit.meta.id, hit.title, type(hit)) for hit in found] == [("a", "T", Article)]


@pytest.mark.opensearch
def test_what_is_saved_after_a_search_is_new_to_a_backfill_and_the_worker(
    ours: SplareOpenSearch, index: str, write, tmp_path: Path
) -> None:
    for name, text in (("a", "the oil"), ("b", "the war")):
        article = Article(_id=name, text=text)
        article.save(using=ours, index=index, refresh=True)
    assert backfilled(ours, index, tmp_path) == {"indexed": 2}
    ours.indices.refresh(index=index)

    def found(text: str) -> Any:
        return Article.search(using=ours, index=index).query(Q("splare", text=text)).execute()[0]

    article = found("oil")
    assert article.text_splare.latents  # what it may show of the field
    article.group = "changed"
    article.save(using=ours, refresh=True)
    stored = ours.get(index=index, id="a")["_source"]
    assert stored == {"text": "the oil", "group": "changed"}  # no digest of impacts that are gone
    assert backfilled(ours, index, tmp_path)["indexed"] == 1
    ours.indices.refresh(index=index)
    assert found("oil").group == "changed"
    lines = [{"_id": "a", "text": "the oil", "group": "changed"}, {"_id": "b", "text": "the war"}]
    assert worked(ours, index, write(lines), tmp_path) == {"unchanged": 2}


@pytest.mark.opensearch
def test_a_document_that_has_its_impacts_keeps_them(
    ours: SplareOpenSearch, index: str, write, tmp_path: Path
) -> None:
    worked(ours, index, write([{"_id": "a", "text": "the oil"}]), tmp_path)
    before = ours.get(index=index, id="a")["_source"]
    article = Article.get("a", using=ours, index=index)
    article.save(using=ours, refresh=True)
    whole = Article.search(using=ours, index=index).source(["*", "text_splare.impacts"])
    whole.execute()[0].save(using=ours, refresh=True)
    assert ours.get(index=index, id="a")["_source"] == before
    Article.get("a", using=ours, index=index).update(using=ours, group="x", refresh=True)
    assert ours.get(index=index, id="a")["_source"] == {**before, "group": "x"}


@pytest.mark.opensearch
def test_asynchronous_documents_do_the_same(
    run: Run, index: str, client: OpenSearch, tmp_path: Path
) -> None:
    async def use(ours: Any) -> None:
        await async_connections.add_connection("ours", ours)
        await AsyncArticle.init(index=index, using="ours")
        await AsyncArticle(_id="a", text="the oil").save(using="ours", index=index, refresh=True)
        assert backfilled(client, index, tmp_path) == {"indexed": 1}
        client.indices.refresh(index=index)
        search = AsyncArticle.search(using="ours", index=index).query(Q("splare", text="oil"))
        (hit,) = (await search.execute()).hits
        assert isinstance(hit, AsyncArticle)
        assert "impacts" not in hit.text_splare
        hit.text = "the war"
        await hit.save(using="ours", refresh=True)
        assert client.get(index=index, id="a")["_source"] == {"text": "the war"}

    run(use, encoder=HashEncoder())
