import asyncio

import pytest
from langchain_core.documents import Document

from splare_os.adapters.langchain import SplareRetriever
from splare_os.search import SplareOpenSearch

pytestmark = pytest.mark.opensearch


def test_documents_come_with_id_score_and_metadata(splare: SplareOpenSearch, papers: str) -> None:
    retriever = SplareRetriever(client=splare, index=papers, k=2)
    first, second = retriever.invoke("oil embargo")
    score = first.metadata.pop("_score")
    assert score > second.metadata["_score"]
    metadata = {"title": "Trade", "year": 1974, "lang": "fr", "_id": "2"}
    assert first == Document(id="2", page_content="oil oil embargo", metadata=metadata)
    assert "text_splare" not in second.metadata


def test_k_and_filter_are_replaced_by_invoke(splare: SplareOpenSearch, papers: str) -> None:
    retriever = SplareRetriever(client=splare, index=papers, k=1, filter={"term": {"year": 1973}})
    assert [one.id for one in retriever.invoke("oil")] == ["1"]
    later = {"range": {"year": {"gte": 1974}}}
    found = asyncio.run(retriever.ainvoke("oil", k=5, filter=later))
    assert sorted(str(one.id) for one in found) == ["2", "3"]
