import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.documents import Fields as DocumentFields
from splare_os.index import IngestOptions, ingest
from splare_os.layout.mapping import ensure_index
from splare_os.serve.fields import Fields
from splare_os.serve.refusal import Refusal
from tests.hashing import HashEncoder


@pytest.mark.opensearch
def test_queries_weigh_by_what_the_index_stores(
    client: OpenSearch, index: str, encoder: HashEncoder, write, tmp_path
) -> None:
    source = write([{"_id": str(n), "text": f"ants w{n}"} for n in range(20)])
    for name, scoring in ((index, "calibrated"), (f"{index}-dot", "dot")):
        options = IngestOptions(name, scoring=scoring, state_folder=tmp_path / name)
        assert all(one.status == "indexed" for one in ingest(client, encoder, [source], options))
    fields = Fields(client)
    idf = fields.weighing(index, "text", encoder).idf
    assert idf is not None
    rare, common = (idf[encoder.latent(word)] for word in ("w1", "ants"))
    assert rare > common
    np.testing.assert_allclose(common, np.log1p(0.5 / 20.5))
    assert fields.weighing(f"{index}-dot", "text", encoder).idf is None
    assert fields.record(index, "text", encoder).saturation is not None
    with pytest.raises(Refusal, match="store impacts differently"):
        fields.record(f"{index}*", "text", encoder)


@pytest.mark.opensearch
def test_a_field_of_another_model_or_none_is_refused(
    client: OpenSearch, index: str, encoder: HashEncoder
) -> None:
    ensure_index(client, index, encoder, DocumentFields())
    other = HashEncoder(fingerprint="fedcba9876543210")
    for asked, field, told in (
        (index, "text", "come from the model 'hash'"),
        (index, "body", "has no impacts field"),
        (f"{index}-no", "text", "no index"),
    ):
        with pytest.raises(Refusal, match=told) as caught:
            Fields(client).record(asked, field, other)
        assert caught.value.status == 409


def test_a_cluster_that_does_not_answer_is_asked_again_later(encoder: HashEncoder) -> None:
    with (
        OpenSearch("http://127.0.0.1:9", max_retries=0) as client,
        pytest.raises(Refusal, match="does not tell") as caught,
    ):
        Fields(client).record("facts", "text", encoder)
    assert (caught.value.status, caught.value.headers["retry-after"]) == (503, "1")
