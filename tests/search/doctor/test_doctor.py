from collections.abc import Sequence

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import EncoderError
from splare_os.impacts import Impacts, empty
from splare_os.search.doctor.doctor import examine, model_finding
from tests.hashing import HashEncoder


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
