import logging
from collections.abc import Iterator

import numpy as np
import pytest
from opensearchpy import OpenSearch, RequestError, TransportError
from scipy.sparse import csr_array

from splare_os.impacts import prune, to_features
from splare_os.search import Cut, translate
from splare_os.search.query.clause_limit import CLAUSES, ClauseLimit, most_clauses, read_setting
from splare_os.search.query.cut import NO_CUT

pytestmark = pytest.mark.opensearch

FIELD = "v.impacts"


@pytest.fixture
def limited(client: OpenSearch) -> Iterator[OpenSearch]:
    """A cluster that takes 150 clauses."""
    client.cluster.put_settings(body={"persistent": {CLAUSES: 150}})
    yield client
    client.cluster.put_settings(body={"persistent": {CLAUSES: None}})


def many(n_latents: int) -> csr_array:
    rng = np.random.default_rng(0)
    return csr_array(rng.uniform(0.1, 3, (1, n_latents)).astype(np.float32))


def test_the_limit_is_read_from_the_cluster(client: OpenSearch) -> None:
    assert most_clauses(client) == 1024
    assert read_setting(client, "http.max_content_length") == "100mb"
    assert read_setting(client, "no.such.setting") is None


def test_a_query_of_too_many_latents_is_cut_to_the_heaviest_and_the_log_tells(
    limited: OpenSearch, index: str, caplog: pytest.LogCaptureFixture
) -> None:
    properties = {"v": {"properties": {"impacts": {"type": "rank_features"}}}}
    limited.indices.create(index=index, body={"mappings": {"properties": properties}})
    weights = many(200)
    document = {"v": {"impacts": dict.fromkeys(map(str, range(200)), 1.0)}}
    limited.index(index=index, id="d", body=document, refresh=True)
    with pytest.raises((RequestError, TransportError), match="maxClauseCount is set to 150"):
        limited.search(index=index, body={"query": translate(weights, FIELD)})
    with caplog.at_level(logging.WARNING):
        cut = ClauseLimit(limited).cut(NO_CUT, weights)
    assert "a query has 200 latents and the cluster takes 150 clauses" in caplog.text
    assert cut == Cut(top_k=150)
    for dialect in ("rank_feature", "neural_sparse"):
        clause = translate(weights, FIELD, cut=cut, dialect=dialect)
        (hit,) = limited.search(index=index, body={"query": clause})["hits"]["hits"]
        assert hit["_score"] == pytest.approx(sum(to_features(prune(weights, 150)).values()))


def test_what_is_cut_enough_stays_as_it_is(limited: OpenSearch) -> None:
    limit = ClauseLimit(limited)
    for cut in (Cut(top_k=20), Cut(top_k=150), Cut(drop_ratio=0.5)):
        assert limit.cut(cut, many(200)) == cut
    assert limit.cut(Cut(mass=0.999), many(200)) == Cut(mass=0.999, top_k=150)
    assert limit.cut(NO_CUT, many(150)) == NO_CUT


def test_few_latents_ask_nothing_and_what_cannot_be_read_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with OpenSearch("http://127.0.0.1:9", max_retries=0) as nowhere:
        limit = ClauseLimit(nowhere)
        assert limit.cut(NO_CUT, many(128)) == NO_CUT
        assert limit.cut(NO_CUT, many(2000)) == Cut(top_k=1024)
    assert "cannot be read" in caplog.text
