import time

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import MappingError
from splare_os.index import BulkOptions, IngestOptions, ingest
from splare_os.index.ingest import IngestRun
from splare_os.index.stages import bottleneck
from splare_os.layout import read_records
from tests.hashing import HashEncoder
from tests.index.faults import passed
from tests.index.proxy import Proxy

pytestmark = pytest.mark.opensearch

STEP_S = 0.4
"""What the slowest stage takes for a chunk; all else takes some hundredths of that."""


class SlowEncoder(HashEncoder):
    def encode_documents(self, texts):
        time.sleep(STEP_S)
        return super().encode_documents(texts)


def held_up(exchange):
    """Let a bulk request pass, after a while."""
    if exchange.request.kind == "POST _bulk":
        time.sleep(STEP_S)
    passed(exchange)


@pytest.fixture
def source(write):
    return write({"_id": f"d{n}", "text": f"ants carry n{n}"} for n in range(640))


@pytest.fixture
def whole(index, tmp_path, source):
    """Index everything, two requests at once, in 20 chunks."""

    def run(client, encoder) -> IngestRun:
        bulk = BulkOptions(most_requests=2)
        options = IngestOptions(index, state_folder=tmp_path, chunk_documents=32, bulk=bulk)
        running = ingest(client, encoder, [source], options)
        assert {outcome.status for outcome in running} == {"indexed"}
        return running

    return run


def test_an_encoder_that_is_slowest_hardly_ever_waits(client, whole):
    stages = whole(client, SlowEncoder()).counters().stages
    assert bottleneck(stages) == "encode"
    assert stages["encode"] >= 0.95 * sum(stages.values())


def test_a_cluster_that_is_slowest_hardly_ever_waits(cluster_url, whole):
    with Proxy(cluster_url, lambda _: held_up) as proxy, OpenSearch(proxy.url) as client:
        running = whole(client, HashEncoder())
    stages = running.counters().stages
    assert bottleneck(stages) == "cluster"
    assert running.worker.flight.sender.gate.busy_s() >= 0.95 * sum(stages.values())


def test_documents_with_a_routing_are_not_stored_a_second_time(client, index, tmp_path, source):
    client.indices.create(index=index, body={"settings": {"number_of_shards": 3}})
    client.index(index=index, id="d1", body={"text": "x"}, routing="r", refresh=True)
    with pytest.raises(MappingError, match="has documents with a routing.*splare-os backfill"):
        list(ingest(client, HashEncoder(), [source], IngestOptions(index, state_folder=tmp_path)))


def test_a_record_that_another_write_has_lost_is_there_at_the_end(client, index, tmp_path, source):
    running = ingest(client, HashEncoder(), [source], IngestOptions(index, state_folder=tmp_path))
    for _ in running:
        client.indices.put_mapping(index=index, body={"_meta": {"owner": "theirs"}})
    assert read_records(client, index)[index].keys() == {"text_splare"}


def test_an_index_that_requires_a_routing_is_refused(client, index, tmp_path, source):
    client.indices.create(index=index, body={"mappings": {"_routing": {"required": True}}})
    options = IngestOptions(index, state_folder=tmp_path / "state")
    with pytest.raises(MappingError, match="requires a routing.*splare-os backfill"):
        list(ingest(client, HashEncoder(), [source], options))
