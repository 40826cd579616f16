import time
from threading import Semaphore

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

STEP_S = 0.1
"""What the slowest stage takes for a chunk; all else takes some hundredths of a second."""

N_CHUNKS = 20
PATIENCE_S = 60.0
"""How long one stage waits for the other to work beside it, before the test fails."""


class SlowEncoder(HashEncoder):
    def encode_documents(self, texts):
        time.sleep(STEP_S)
        return super().encode_documents(texts)


def held_up(exchange):
    """Let a bulk request pass, after a while."""
    if exchange.request.kind == "POST _bulk":
        time.sleep(STEP_S)
    passed(exchange)


class Meeting(HashEncoder):
    """Encodes each chunk but the first while the cluster has an earlier one, which waits for it."""

    def __init__(self):
        super().__init__()
        self.n_encoded = self.n_sent = 0
        self.encoding, self.sending = Semaphore(0), Semaphore(0)

    def encode_documents(self, texts):
        self.n_encoded += 1
        if self.n_encoded > 1:
            self.encoding.release()
            assert self.sending.acquire(timeout=PATIENCE_S), "no request is on its way"
        return super().encode_documents(texts)

    def held(self, exchange):
        """Let a bulk request pass once the next chunk is encoded."""
        if exchange.request.kind == "POST _bulk":
            self.n_sent += 1
            self.sending.release()
            if self.n_sent < N_CHUNKS:
                assert self.encoding.acquire(timeout=PATIENCE_S), "no chunk is being encoded"
        passed(exchange)


@pytest.fixture
def source(write):
    return write({"_id": f"d{n}", "text": f"ants carry n{n}"} for n in range(32 * N_CHUNKS))


@pytest.fixture
def whole(index, tmp_path, source):
    """Index everything, two requests at once, chunk by chunk."""

    def run(client, encoder) -> IngestRun:
        bulk = BulkOptions(most_requests=2)
        options = IngestOptions(index, state_folder=tmp_path, chunk_documents=32, bulk=bulk)
        running = ingest(client, encoder, [source], options)
        assert {outcome.status for outcome in running} == {"indexed"}
        return running

    return run


def test_chunks_are_encoded_while_the_cluster_has_earlier_ones(cluster_url, whole):
    encoder = Meeting()
    with Proxy(cluster_url, lambda _: encoder.held) as proxy, OpenSearch(proxy.url) as client:
        whole(client, encoder)
    assert (encoder.n_encoded, encoder.n_sent) == (N_CHUNKS, N_CHUNKS)


def test_an_encoder_that_is_slowest_is_the_bottleneck(client, whole):
    assert bottleneck(whole(client, SlowEncoder()).counters().stages) == "encode"


def test_a_cluster_that_is_slowest_is_the_bottleneck(cluster_url, whole):
    with Proxy(cluster_url, lambda _: held_up) as proxy, OpenSearch(proxy.url) as client:
        running = whole(client, HashEncoder())
    assert bottleneck(running.counters().stages) == "cluster"


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


def test_an_alias_that_gives_a_routing_is_refused(client, index, tmp_path, source):
    aliases = {f"{index}-all": {"index_routing": "r"}}
    client.indices.create(index=index, body={"aliases": aliases})
    options = IngestOptions(f"{index}-all", state_folder=tmp_path / "state")
    with pytest.raises(MappingError, match=f"gets a routing by the alias '{index}-all'"):
        list(ingest(client, HashEncoder(), [source], options))
