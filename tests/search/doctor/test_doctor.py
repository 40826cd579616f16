from collections.abc import Sequence
from contextlib import suppress

import pytest
from opensearchpy import OpenSearch
from opensearchpy.exceptions import OpenSearchException

from splare_os.connection import Connection, open_client
from splare_os.documents import Fields
from splare_os.errors import EncoderError, SplareError
from splare_os.impacts import Impacts, empty
from splare_os.layout import ensure_index
from splare_os.search.doctor.doctor import examine, model_finding
from tests.hashing import HashEncoder
from tests.index import faults
from tests.index.chaos import proxied
from tests.index.faults import first


class Mute(HashEncoder):
    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        return empty(len(texts), self.n_latents)


def test_a_model_is_asked_a_question() -> None:
    assert model_finding(HashEncoder()).status == "ok"
    assert "gives 7 for a question" in model_finding(HashEncoder(1 << 16)).found
    assert model_finding(Mute()).status == "warning"


def test_a_cluster_that_does_not_answer_ends_the_examination() -> None:
    with OpenSearch("http://127.0.0.1:9", max_retries=0) as nowhere:
        (finding,) = examine(nowhere, None)
    assert (finding.check, finding.status) == ("connection", "failure")
    assert "docs/connections.md" in finding.remedy


@pytest.mark.opensearch
def test_a_model_that_does_not_load_is_a_failure_and_the_rest_is_looked_at(
    client: OpenSearch, index: str
) -> None:
    def load() -> HashEncoder:
        raise EncoderError("no such folder")

    client.indices.create(index=index)
    found = list(examine(client, load, index))
    assert (found[0].status, found[0].found) == ("failure", "no such folder")
    assert {"version", "plugins", "limits", index} <= {finding.check for finding in found}


@pytest.mark.opensearch
@pytest.mark.parametrize("depth", range(6))
def test_replies_of_nulls_are_failures_or_errors_of_ours(
    client: OpenSearch, cluster_url: str, index: str, depth: int
) -> None:
    ensure_index(client, index, HashEncoder(), Fields())
    kinds = ("info", "GET _cat", "GET _cluster", "GET _mapping", "POST _count", "GET _settings")
    for kind in (*kinds, "GET _stats", "GET _plugins", "statistics POST _mget"):
        rule = first(99, faults.nulls(depth), [kind])
        with (
            proxied(cluster_url, rule) as proxy,
            open_client(Connection((proxy.url,))) as through,
            suppress(SplareError, OpenSearchException),
        ):
            assert list(examine(through, HashEncoder, index))
