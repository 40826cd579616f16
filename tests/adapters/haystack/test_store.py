import asyncio
from typing import Any

import pytest
from haystack import Document, Pipeline
from haystack.components.writers import DocumentWriter
from haystack.dataclasses import SparseEmbedding
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.testing.document_store import (
    CountDocumentsByFilterTest,
    CountUniqueMetadataByFilterTest,
    DeleteAllTest,
    DeleteByFilterTest,
    DocumentStoreBaseTests,
    GetMetadataFieldMinMaxTest,
    GetMetadataFieldsInfoTest,
    GetMetadataFieldUniqueValuesTest,
    UpdateByFilterTest,
)
from haystack_integrations.document_stores.opensearch import OpenSearchDocumentStore
from opensearchpy import OpenSearch

from splare_os.adapters.haystack import (
    SplareDocumentEmbedder,
    SplareDocumentStore,
    SplareEmbeddingRetriever,
    SplareTextEmbedder,
)
from splare_os.documents import Fields
from splare_os.errors import MappingError, ModelMismatchError
from splare_os.index import IngestOptions, ingest
from splare_os.layout import DocumentCut, read_records
from splare_os.search import SplareOpenSearch
from tests.hashing import HashEncoder

from .conftest import LUCENE, assert_same_documents

pytestmark = pytest.mark.opensearch

TEXTS = {"1": "oil price crisis", "2": "oil oil embargo", "3": "river", "4": "river war oil"}
ENGLISH = {"field": "meta.lang", "operator": "==", "value": "en"}


def documents() -> list[Document]:
    langs = {"1": "en", "2": "fr", "3": "en", "4": "en"}
    return [Document(id=i, content=text, meta={"lang": langs[i]}) for i, text in TEXTS.items()]


def embedded(encoder: HashEncoder) -> list[Document]:
    found: list[Document] = SplareDocumentEmbedder(encoder).run(documents())["documents"]
    return found


def query(encoder: HashEncoder, text: str) -> SparseEmbedding:
    return SplareTextEmbedder(encoder).run(text)["sparse_embedding"]


def loaded(pipeline: Pipeline) -> Pipeline:
    """Return a pipeline as it comes back from YAML, its classes trusted."""
    return Pipeline.loads(pipeline.dumps(), allowed_modules=["splare_os.adapters.haystack.*"])


@pytest.mark.slow
class TestHaystacksOwn(
    CountDocumentsByFilterTest,
    CountUniqueMetadataByFilterTest,
    DeleteAllTest,
    DeleteByFilterTest,
    DocumentStoreBaseTests,
    GetMetadataFieldMinMaxTest,
    GetMetadataFieldsInfoTest,
    GetMetadataFieldUniqueValuesTest,
    UpdateByFilterTest,
):
    assert_documents_are_equal = staticmethod(assert_same_documents)
    test_get_metadata_field_unique_values_distinct_types = (
        None  # Haystack's own store fails it alike
    )

    @pytest.fixture
    def document_store(self, store: SplareDocumentStore) -> SplareDocumentStore:
        return store

    def test_write_documents(self, document_store: SplareDocumentStore) -> None:
        document = Document(content="test doc")
        assert document_store.write_documents([document]) == 1
        with pytest.raises(DuplicateDocumentError):
            document_store.write_documents([document], policy=DuplicatePolicy.FAIL)


def test_what_is_stored_is_what_the_worker_stores(
    store: SplareDocumentStore, encoder: HashEncoder, client: OpenSearch, index: str, write: Any
) -> None:
    store.write_documents(embedded(encoder))
    lines = [{"_id": i, "content": text} for i, text in TEXTS.items()]
    options = IngestOptions(index=f"{index}-worker", fields=Fields("content", title=None))
    list(ingest(client, encoder, [write(lines)], options))
    for name in TEXTS:
        ours = client.get(index=index, id=name)["_source"]["content_splare"]
        assert ours == client.get(index=f"{index}-worker", id=name)["_source"]["content_splare"]
    metas = [
        client.indices.get_mapping(index=each)[each]["mappings"]["_meta"]
        for each in (index, f"{index}-worker")
    ]
    assert metas[0]["splare"] == metas[1]["splare"]


def test_a_new_field_is_made_for_a_cut(client: OpenSearch, index: str, cluster_url: str) -> None:
    encoder = HashEncoder()
    wanted = {"model": encoder, "method": LUCENE, "sparse_top_k": 9, "sparse_mass": 0.9}
    store = SplareDocumentStore(hosts=cluster_url, index=index, **wanted)
    store.write_documents(embedded(encoder))
    store.close()
    assert read_records(client, index)[index]["content_splare"].cut == DocumentCut(9, 0.9)


def test_documents_are_found_as_the_client_finds_them(
    store: SplareDocumentStore, encoder: HashEncoder, splare: SplareOpenSearch, index: str
) -> None:
    store.write_documents(embedded(encoder))
    store.take_statistics()
    retriever = SplareEmbeddingRetriever(document_store=store)
    found = retriever.run(query(encoder, "oil embargo"))["documents"]
    clause = {"splare": {"content": "oil embargo"}}
    hits = splare.search(index=index, body={"query": clause})["hits"]["hits"]
    assert [(one.id, one.score) for one in found] == [(hit["_id"], hit["_score"]) for hit in hits]
    assert found[0].content == TEXTS["2"]
    assert found[0].meta == {"lang": "fr"}
    assert found[0].sparse_embedding is None
    later = asyncio.run(_found_later(retriever, store, query(encoder, "oil embargo")))
    assert later == found


async def _found_later(
    retriever: SplareEmbeddingRetriever, store: SplareDocumentStore, asked: SparseEmbedding
) -> list[Document]:
    found: list[Document] = (await retriever.run_async(asked))["documents"]
    await store.close_async()
    return found


def test_filters_and_top_k_hold(store: SplareDocumentStore, encoder: HashEncoder) -> None:
    store.write_documents(embedded(encoder))
    retriever = SplareEmbeddingRetriever(document_store=store, filters=ENGLISH, top_k=1)
    asked = query(encoder, "oil price")
    assert [one.id for one in retriever.run(asked)["documents"]] == ["1"]
    assert [one.id for one in retriever.run(asked, top_k=9)["documents"]] == ["1", "4"]
    french = {**ENGLISH, "value": "fr"}
    assert [one.id for one in retriever.run(asked, filters=french)["documents"]] == ["2"]
    with pytest.raises(ValueError, match="top_k=0"):
        retriever.run(asked, top_k=0)


def test_documents_are_written_asynchronously_too(
    store: SplareDocumentStore, encoder: HashEncoder, client: OpenSearch, index: str
) -> None:
    async def written() -> int:
        n_written = await store.write_documents_async(embedded(encoder))
        await store.close_async()
        return n_written

    assert asyncio.run(written()) == 4
    assert client.get(index=index, id="2")["_source"]["content_splare"]["count"] == 2


def test_a_pipeline_indexes_and_retrieves_and_is_kept_as_yaml(
    store: SplareDocumentStore, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splare_os.adapters.models.load_encoder", {"hashed": encoder}.__getitem__)
    store._model = "hashed"
    indexing = Pipeline()
    indexing.add_component("embedder", SplareDocumentEmbedder("hashed"))
    indexing.add_component("writer", DocumentWriter(store))
    indexing.connect("embedder", "writer")
    assert loaded(indexing).run({"embedder": {"documents": documents()}}) == {
        "writer": {"documents_written": 4}
    }
    searching = Pipeline()
    searching.add_component("embedder", SplareTextEmbedder("hashed"))
    searching.add_component("retriever", SplareEmbeddingRetriever(document_store=store, top_k=2))
    searching.connect("embedder", "retriever.query_sparse_embedding")
    replied = loaded(searching).run({"embedder": {"text": "oil embargo"}})
    assert [one.id for one in replied["retriever"]["documents"]][0] == "2"


def test_a_number_as_query_of_bm25_finds_no_latents(
    store: SplareDocumentStore, encoder: HashEncoder, cluster_url: str, index: str
) -> None:
    store.write_documents([*embedded(encoder), Document(id="5", content="number 7")])
    heaviest = str(encoder.latent("embargo"))
    assert store._bm25_retrieval(heaviest) == []
    assert [one.id for one in store._bm25_retrieval("7")] == ["5"]
    theirs = OpenSearchDocumentStore(hosts=cluster_url, index=index)
    assert [one.id for one in theirs._bm25_retrieval(heaviest)] == ["2"]
    theirs.close()


@pytest.mark.parametrize(
    ("embedding", "error", "told"),
    [
        (SparseEmbedding([1, 1], [0.5, 0.5]), ValueError, "an index twice"),
        (SparseEmbedding([512], [0.5]), ValueError, "512 latents: another model"),
        (SparseEmbedding([5], [0.0]), ValueError, "impact 0.0 of latent 5"),
    ],
)
def test_what_no_impacts_can_be_is_refused(
    store: SplareDocumentStore, embedding: SparseEmbedding, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        store.write_documents([Document(id="1", content="oil", sparse_embedding=embedding)])
    assert store.count_documents() == 0


def test_another_model_is_refused(
    store: SplareDocumentStore, encoder: HashEncoder, cluster_url: str, index: str
) -> None:
    other = HashEncoder(fingerprint="fedcba9876543210")
    with pytest.raises(ModelMismatchError, match="fedcba9876543210"):
        store.write_documents(embedded(other))
    store.write_documents(embedded(encoder))
    mixed = SplareDocumentStore(hosts=cluster_url, index=index, model=other, method=LUCENE)
    with pytest.raises(MappingError, match="fedcba9876543210|no impacts"):
        mixed._sparse_embedding_retrieval(query(other, "oil"))
    with pytest.raises(ModelMismatchError, match="query"):
        store._sparse_embedding_retrieval(query(other, "oil"))
    mixed.close()


def test_an_embedding_of_another_text_is_refused(
    store: SplareDocumentStore, encoder: HashEncoder
) -> None:
    embedder = SplareDocumentEmbedder(encoder, template="{lang} {content}")
    with pytest.raises(ValueError, match="made of another text"):
        store.write_documents(embedder.run(documents())["documents"])


def test_metadata_where_impacts_stand_is_refused(store: SplareDocumentStore) -> None:
    with pytest.raises(ValueError, match="names that end in '_splare'"):
        store.write_documents([Document(content="oil", meta={"content_splare": {"count": 1}})])
    with pytest.raises(ValueError, match="its meta has 'more_splare'"):  # hits would lack it
        store.write_documents([Document(content="oil", meta={"a": [{"more_splare": 1}]})])


@pytest.mark.parametrize("name", ["title", "content", "content_splare"])
def test_an_update_of_what_impacts_are_made_of_is_refused(
    encoder: HashEncoder, cluster_url: str, index: str, name: str
) -> None:
    made = SplareDocumentStore(
        hosts=cluster_url, index=index, model=encoder, template="{title} {content}", method=LUCENE
    )
    with pytest.raises(ValueError, match=f"an update of '{name}': impacts are made of title, cont"):
        made.update_by_filter(ENGLISH, {"lang": "de", name: "oil"})
    with pytest.raises(ValueError, match=f"an update of '{name}'"):
        asyncio.run(made.update_by_filter_async(ENGLISH, {name: "oil"}))
    assert made.update_by_filter(ENGLISH, {"lang": "de"}) == 0
    made.close()


def test_an_encoder_that_has_no_name_is_not_serialised(store: SplareDocumentStore) -> None:
    with pytest.raises(ValueError, match="'hash' was given as an object"):
        store.to_dict()


def test_two_stores_may_keep_impacts_of_one_model_in_fields_of_their_own(
    cluster_url: str, index: str, encoder: HashEncoder
) -> None:
    shared = {"hosts": cluster_url, "index": index, "model": encoder, "method": LUCENE}
    embedding = SplareTextEmbedder(encoder).run("Water")["sparse_embedding"]
    found = []
    for template, name in ((None, "plain_splare"), ("{title} {content}", "titled_splare")):
        store = SplareDocumentStore(**shared, template=template, impacts_field=name)
        document = Document(id=name, content="river", meta={"title": "Water"})
        embedder = SplareDocumentEmbedder(encoder, template=template)
        store.write_documents(embedder.run([document])["documents"])
        hits = SplareEmbeddingRetriever(document_store=store).run(embedding)["documents"]
        found.append([one.id for one in hits])
        store.close()
    assert found == [[], ["titled_splare"]]
