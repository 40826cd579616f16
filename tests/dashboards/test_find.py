"""What dashboards have to know of an index, from a real cluster."""

import pytest
from opensearchpy import OpenSearch

from splare_os.dashboards import OfIndex
from splare_os.dashboards.find import find_index, find_installed
from splare_os.documents import Fields
from splare_os.errors import MappingError
from splare_os.layout import ensure_index
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch


@pytest.fixture
def papers(client: OpenSearch, index: str, encoder: HashEncoder) -> str:
    ensure_index(client, index, encoder, Fields())
    more = {"at": {"type": "date"}, "kind": {"type": "keyword"}}
    client.indices.put_mapping(index=index, body={"properties": more})
    return index


def test_an_alias_tells_its_indices_its_field_and_its_model(
    client: OpenSearch, papers: str, encoder: HashEncoder
) -> None:
    client.indices.put_alias(index=papers, name=f"{papers}-alias")
    found = find_index(client, f"{papers}-alias", time_field="at", category_field="kind")
    assert (found.index, found.concrete) == (f"{papers}-alias", (papers,))
    assert (found.field, found.fingerprint) == ("text_splare", encoder.fingerprint)
    assert (found.time_field, found.category_field) == ("at", "kind")
    assert found.columns == ("title", "text")


def test_a_field_has_to_be_what_it_is_named_for(client: OpenSearch, papers: str) -> None:
    with pytest.raises(MappingError, match="'kind' is a keyword field; --time-field has to be a d"):
        find_index(client, papers, time_field="kind")
    with pytest.raises(MappingError, match="'title' is a text field; --category-field"):
        find_index(client, papers, category_field="title")
    subfield = {"type": "text", "fields": {"keyword": {"type": "keyword"}}}
    client.indices.put_mapping(index=papers, body={"properties": {"topic": subfield}})
    with pytest.raises(MappingError, match="'topic' is a text field; .*: topic.keyword is one"):
        find_index(client, papers, category_field="topic")
    with pytest.raises(MappingError, match="no field 'nope' for --category-field"):
        find_index(client, papers, category_field="nope")


def test_one_field_of_one_model_is_meant(
    client: OpenSearch, papers: str, encoder: HashEncoder
) -> None:
    second = HashEncoder(fingerprint="f" * 16)
    ensure_index(client, papers, second, Fields(impacts="other_splare"))
    with pytest.raises(MappingError, match="in other_splare, text_splare"):
        find_index(client, papers)
    for name, model in (("other_splare", second), ("text_splare", encoder)):
        found = find_index(client, papers, impacts_field=name)
        assert (found.field, found.fingerprint) == (name, model.fingerprint)
        assert find_installed(client, papers, impacts_field=name).field == name
    client.indices.create(index=f"{papers}-plain")
    with pytest.raises(MappingError, match="in no field"):
        find_index(client, f"{papers}-plain")


def test_a_pattern_stands_for_the_statistics_of_indices_to_come(
    client: OpenSearch, papers: str, encoder: HashEncoder
) -> None:
    ensure_index(client, f"{papers}-2025", encoder, Fields())
    ensure_index(client, f"{papers}-2026", encoder, Fields())
    found = find_index(client, f"{papers}-20*,{papers}")
    assert found.concrete == (f"{papers}-20*", papers)
    assert find_index(client, f"{papers}*,-{papers}").concrete == (
        f"{papers}-2025",
        f"{papers}-2026",
    )


def test_what_was_installed_is_known_of_an_index_that_is_gone(
    client: OpenSearch, papers: str
) -> None:
    there = find_installed(client, papers)
    client.indices.delete(index=papers)
    assert there.id("collection") == find_installed(client, papers).id("collection")
    body = find_installed(client, papers, text_field="body")
    assert body == OfIndex(papers, "body_splare").with_all_charts
    client.indices.create(index=papers)  # as remove-impacts leaves it
    assert find_installed(client, papers, text_field="body") == body
