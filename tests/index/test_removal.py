"""An impacts field that is taken out of an index, of a real server."""

import time
from collections.abc import Iterator
from itertools import islice

import pytest
from opensearchpy import OpenSearch

from splare_os.documents import Fields
from splare_os.errors import MappingError
from splare_os.index import BackfillOptions, IngestOptions, backfill, ingest
from splare_os.index.removal import remove_impacts
from splare_os.layout import read_records
from splare_os.layout.mapping import properties
from splare_os.layout.statistics import kept_statistics
from splare_os.search import SearchOptions, search
from tests.hashing import HashEncoder
from tests.index import faults
from tests.index.chaos import proxied

OLD, NEW = HashEncoder(), HashEncoder(1024, "fedcba9876543210")
NAME = "text_2_splare"


@pytest.fixture
def both(client: OpenSearch, index: str, write, tmp_path) -> str:
    """An index with impacts of two models, and an `_meta` that is also another's."""
    state = tmp_path / "state"
    lines = [{"_id": f"d{k}", "text": f"ants n{k}", "price": k} for k in range(30)]
    list(ingest(client, OLD, [write(lines)], IngestOptions(index, state_folder=state)))
    chosen = BackfillOptions(index, Fields(impacts=NAME), share=1.0, state_folder=state)
    list(backfill(client, NEW, chosen))
    meta = client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]
    client.indices.put_mapping(index=index, body={"_meta": meta | {"owner": "ours"}})
    client.indices.refresh(index=index)
    return index


def started(client: OpenSearch, index: str, field: str = "text_splare") -> Iterator[int]:
    settings = {"share": 1.0, "grace_s": 0.0, "page_documents": 12}
    return remove_impacts(client, index, field, **settings)


def remove(client: OpenSearch, index: str, field: str = "text_splare") -> list[int]:
    return list(started(client, index, field))


def sources(client: OpenSearch, index: str) -> dict[str, dict[str, object]]:
    client.indices.refresh(index=index)
    hits = client.search(index=index, body={"size": 100})["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


@pytest.mark.opensearch
def test_impacts_of_one_model_go_and_all_else_stays(client, both):
    before = sources(client, both)
    assert kept_statistics(client, [both], "text_splare")
    assert remove(client, both) == [12, 12, 6]
    assert sources(client, both) == {
        name: {key: value for key, value in body.items() if key != "text_splare"}
        for name, body in before.items()
    }
    assert read_records(client, both)[both].keys() == {NAME}
    assert client.indices.get_mapping(index=both)[both]["mappings"]["_meta"]["owner"] == "ours"
    assert not kept_statistics(client, [both], "text_splare")
    assert search(client, NEW, both, "n7", SearchOptions())[0].id == "d7"
    with pytest.raises(MappingError):
        search(client, OLD, both, "n7", SearchOptions())


@pytest.mark.opensearch
def test_a_removal_that_was_interrupted_goes_on(client, both):
    some = remove_impacts(client, both, "text_splare", share=1.0, grace_s=0.0, page_documents=12)
    assert next(some) == 12
    some.close()
    assert remove(client, both) == [12, 6]
    assert remove(client, both) == []


@pytest.mark.opensearch
def test_who_trusts_a_record_that_went_before_an_interruption_is_waited_for(client, both):
    settings = {"share": 1.0, "page_documents": 12}
    some = remove_impacts(client, both, "text_splare", grace_s=0.0, **settings)
    next(some)
    some.close()
    begun = time.monotonic()
    next(remove_impacts(client, both, "text_splare", grace_s=0.5, **settings))
    assert time.monotonic() - begun >= 0.5


@pytest.mark.opensearch
@pytest.mark.usefixtures("four_tries")
def test_a_cluster_that_is_busy_is_waited_for(client, cluster_url, both):
    kinds = ("GET _mapping", "PUT _mapping", "POST _search", "POST _bulk")
    rule = faults.first(1, faults.status(503), kinds)
    with proxied(cluster_url, rule) as proxy, OpenSearch(proxy.url, max_retries=0) as busy:
        assert remove(busy, both) == [12, 12, 6]


@pytest.fixture
def pipeline(client: OpenSearch, both: str) -> Iterator[str]:
    """An ingest pipeline that makes impacts, and notes that it was there."""
    ours = {"field": "text_splare", "value": {"count": 1, "latents": ["3"], "impacts": {"3": 1.0}}}
    processors = [{"set": ours}, {"set": {"field": "seen", "value": True}}]
    client.ingest.put_pipeline(id=both, body={"processors": processors})
    yield both
    client.indices.delete(index=both)
    client.ingest.delete_pipeline(id=both)


@pytest.mark.opensearch
@pytest.mark.parametrize("kind", ["default", "final"])
def test_no_pipeline_of_the_index_sees_documents_again(client, both, pipeline, kind):
    client.indices.put_settings(index=both, body={f"index.{kind}_pipeline": pipeline})
    assert list(islice(started(client, both), 4)) == [12, 12, 6]
    assert all(body.keys() == {"text", "price", NAME} for body in sources(client, both).values())


@pytest.mark.opensearch
def test_an_alias_of_some_documents_is_refused(client, both):
    some = {"filter": {"range": {"price": {"lt": 10}}}}
    client.indices.put_alias(index=both, name=f"{both}-few", body=some)
    with pytest.raises(MappingError, match=f"has a filter, .* name it .{both}"):
        remove(client, f"{both}-few")
    assert read_records(client, both)[both].keys() == {"text_splare", NAME}
    client.indices.put_alias(index=both, name=f"{both}-all")
    assert remove(client, f"{both}-all") == [12, 12, 6]


@pytest.mark.opensearch
def test_documents_of_one_id_in_two_shards_both_lose_theirs(client, index):
    mapping = {"_meta": {"splare": {}}, "properties": properties(Fields())}
    body = {"settings": {"number_of_shards": 2}, "mappings": mapping}
    client.indices.create(index=index, body=body)
    ours = {"digest": "d" * 16, "impacts": {"3": 1.0}}
    for routing in "abcdef":
        client.index(index=index, id="1", routing=routing, body={"text_splare": ours, "n": routing})
    n = client.indices.refresh(index=index) and client.count(index=index)["count"]
    assert n == 2
    assert remove(client, index) == [2]
    hits = client.search(index=index)["hits"]["hits"]
    assert [list(hit["_source"]) for hit in hits] == [["n"], ["n"]]


@pytest.mark.opensearch
def test_the_record_goes_before_the_impacts_do(client, both):
    some = remove_impacts(client, both, "text_splare", share=1.0, grace_s=0.0, page_documents=1)
    next(some)
    with pytest.raises(MappingError):
        search(client, OLD, both, "n7", SearchOptions("text"))
    some.close()


@pytest.mark.opensearch
def test_what_was_removed_can_be_made_again(client, both, tmp_path):
    remove(client, both)
    chosen = BackfillOptions(both, share=1.0, is_restarted=True, state_folder=tmp_path / "state")
    running = backfill(client, OLD, chosen)
    list(running)
    assert running.counts["indexed"] == 30
    client.indices.refresh(index=both)
    assert search(client, OLD, both, "n7", SearchOptions("text"))[0].id == "d7"


@pytest.mark.opensearch
def test_a_field_that_is_not_there_is_told(client, both):
    with pytest.raises(MappingError, match="has no impacts field 'body_splare'"):
        remove(client, both, "body_splare")


def test_only_impacts_can_be_removed():
    with pytest.raises(ValueError, match="impacts field 'price': its name has to end in '_splare'"):
        next(remove_impacts(OpenSearch(), "i", "price"))
