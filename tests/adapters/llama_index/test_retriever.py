import asyncio

import pytest
from llama_index.core.vector_stores import MetadataFilter, MetadataFilters

from splare_os.adapters.llama_index import SplareRetriever
from splare_os.search import SplareOpenSearch

pytestmark = pytest.mark.opensearch


def test_nodes_come_with_score_and_metadata(splare: SplareOpenSearch, papers: str) -> None:
    retriever = SplareRetriever(splare, papers, similarity_top_k=2)
    first, second = retriever.retrieve("oil embargo")
    assert (first.node.node_id, first.node.get_content()) == ("2", "oil oil embargo")
    assert first.node.metadata == {"title": "Trade", "year": 1974, "lang": "fr"}
    assert first.get_score() > second.get_score()
    assert asyncio.run(retriever.aretrieve("oil embargo")) == [first, second]


def test_filters_hold(splare: SplareOpenSearch, papers: str) -> None:
    filters = MetadataFilters(filters=[MetadataFilter(key="year", value=1973)])
    for kept in (filters, {"term": {"year": 1973}}):
        found = SplareRetriever(splare, papers, filters=kept).retrieve("oil")
        assert [one.node.node_id for one in found] == ["1"]
