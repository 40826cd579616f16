import json
from pathlib import Path

import pytest
from opensearchpy import RequestError

from splare_os.documents.fields import Fields
from splare_os.impacts import as_stored
from splare_os.index import ingest
from splare_os.index.job import IngestOptions
from splare_os.index.patience import describe
from splare_os.layout import PIPELINE, ensure_index, put_pipeline
from splare_os.layout.pipeline import pipeline_body

FILE = Path(__file__).parents[2] / "ingest_pipelines" / f"{PIPELINE}.json"
BAD = {"1": 0, "2": -1, "3": "abc", "4": 1e39, "5": None, "05": 1.0, "x": 1.0, "": 1.0, "6": True}
BAD |= {"7": [1.0], "99999999999": 1.0, "1048576": 1.0, "8": 1e-39}


def test_the_pipeline_is_that_very_file():
    assert pipeline_body() == json.loads(FILE.read_bytes())


@pytest.fixture
def store(client, index, encoder):
    """Store one document through the pipeline and return it as it was stored."""
    put_pipeline(client)
    ensure_index(client, index, encoder, Fields())

    def store_one(**body):
        client.index(index=index, id="1", body=body, params={"pipeline": PIPELINE})
        return client.get(index=index, id="1")["_source"]

    return store_one


@pytest.mark.opensearch
class TestOnACluster:
    def test_what_lucene_would_refuse_is_dropped(self, store):
        stored = store(text="x", text_splare={"impacts": BAD | {"0": 0.5, "9": 1.2345}})
        assert stored["text_splare"] == {
            "impacts": {"9": 1.234375, "0": 0.5},
            "latents": ["9", "0"],
            "count": 2,
        }

    def test_impacts_are_cut_and_sorted_as_the_worker_does(self, store):
        given = {str(n): 1.0 + (n * 37 % 500) / 100 for n in range(500)}
        ours = store(text_splare={"impacts": given, "digest": "d"})["text_splare"]
        kept = {name: as_stored(value) for name, value in given.items()}
        heaviest = sorted(kept, key=lambda name: (-kept[name], int(name)))
        assert list(ours["impacts"]) == heaviest[:400]
        assert ours["latents"] == heaviest[:20]
        assert (ours["count"], ours["digest"]) == (400, "d")

    def test_without_impacts_the_count_is_zero(self, store):
        assert store(text_splare={"impacts": {"1": 0}})["text_splare"] == {"count": 0}
        assert store(text_splare={})["text_splare"] == {"count": 0}

    def test_a_document_without_the_field_passes(self, store):
        assert store(text="x") == {"text": "x"}

    @pytest.mark.parametrize("ours", ["x", {"impacts": [1]}, {"impacts": "x"}])
    def test_what_is_no_object_is_refused(self, store, ours):
        with pytest.raises(RequestError) as error:
            store(text_splare=ours)
        assert "has to be an object" in describe(error.value)

    def test_the_worker_goes_round_it(self, client, index, encoder, write, tmp_path):
        put_pipeline(client)
        ensure_index(client, index, encoder, Fields())
        settings = {"index.default_pipeline": PIPELINE}
        client.indices.put_settings(index=index, body=settings)
        before = n_runs(client)
        source = write([{"_id": "1", "text": "ants"}])
        run = ingest(client, encoder, [source], IngestOptions(index, state_folder=tmp_path))
        assert [outcome.status for outcome in run] == ["indexed"]
        assert n_runs(client) == before


def n_runs(client) -> int:
    [node] = client.nodes.stats(metric="ingest")["nodes"].values()
    return node["ingest"]["pipelines"][PIPELINE]["count"]
