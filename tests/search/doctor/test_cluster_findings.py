from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from splare_os.search.doctor.cluster_findings import cluster_findings, version_finding
from splare_os.search.query.clause_limit import CLAUSES
from tests.hashing import HashEncoder


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ({"distribution": "opensearch", "number": "3.6.0"}, "ok"),
        ({"distribution": "opensearch", "number": "1.0.0"}, "ok"),
        ({"number": "7.10.2", "build_flavor": "oss"}, "failure"),
        ({"number": "7.12.0"}, "warning"),
        ({"number": "8.19.4"}, "warning"),
    ],
)
def test_a_version_scores_dot_products_or_not(version: dict[str, str], status: str) -> None:
    finding = version_finding(version)
    assert finding.status == status
    assert version["number"] in finding.found
    if status == "failure":
        assert "no linear function: elasticsearch 7.12 or newer" in finding.remedy


@pytest.fixture
def fifty(client: OpenSearch) -> Iterator[None]:
    client.cluster.put_settings(body={"persistent": {CLAUSES: 50}})
    yield
    client.cluster.put_settings(body={"persistent": {CLAUSES: None}})


class Talkative(HashEncoder):
    def __init__(self, query_top_k: int) -> None:
        super().__init__()
        self.query_top_k = query_top_k


@pytest.mark.opensearch
def test_the_embedded_cluster_fits(client: OpenSearch) -> None:
    found = list(cluster_findings(client, None))
    assert {finding.status for finding in found} == {"ok"}
    version, plugins, clauses, content, user = (finding.found for finding in found)
    assert version.startswith("opensearch 3.")
    assert "neural-search" in plugins
    assert clauses == f"{CLAUSES} is 1024, for 40 latents a query"
    assert content == "http.max_content_length is 100mb"
    assert user == "the cluster has no security plugin, or does not tell"


@pytest.mark.opensearch
@pytest.mark.usefixtures("fifty")
def test_fewer_clauses_than_latents_are_told(client: OpenSearch) -> None:
    ours = [f for f in cluster_findings(client, HashEncoder()) if CLAUSES in f.found]
    assert [finding.status for finding in ours] == ["ok"]  # 40 latents
    (finding,) = (f for f in cluster_findings(client, Talkative(60)) if CLAUSES in f.found)
    assert (finding.status, finding.found) == ("failure", f"{CLAUSES} is 50")
    assert "queries have 60 latents" in finding.remedy
    (finding,) = (f for f in cluster_findings(client, Talkative(200)) if CLAUSES in f.found)
    assert (finding.status, finding.found) == ("warning", f"{CLAUSES} is 50")
