"""An impacts field that is taken out of an index, of a real server."""

import time

import pytest
from opensearchpy import OpenSearch

from splare_os.documents import Fields
from splare_os.errors import MappingError
from splare_os.index import BackfillOptions, IngestOptions, backfill, ingest
from splare_os.index.removal import remove_impacts
from splare_os.layout import read_records
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


def remove(client: OpenSearch, index: str, field: str = "text_splare") -> list[int]:
    settings = {"share": 1.0, "grace_s": 0.0, "page_documents": 12}
    return list(remove_impacts(client, index, field, **settings))


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
    kinds = ("GET _mapping", "PUT _mapping", "POST _update_by_query")
    rule = faults.first(1, faults.status(503), kinds)
    with proxied(cluster_url, rule) as proxy, OpenSearch(proxy.url, max_retries=0) as busy:
        assert remove(busy, both) == [12, 12, 6]


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
