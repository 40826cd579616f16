import json
from pathlib import Path

import pytest
from opensearchpy import NotFoundError

from splare_os.documents.fields import Fields
from splare_os.impacts import as_stored
from splare_os.index import ingest
from splare_os.index.job import IngestOptions
from splare_os.layout import PIPELINE, ensure_index, put_pipeline
from splare_os.layout.pipeline import DEAD_LETTERS, dead_letters_template, pipeline_body

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
            "length": pytest.approx(1.7345),
        }

    def test_impacts_are_cut_and_sorted_as_the_worker_does(self, store):
        given = {str(n): 1.0 + (n * 37 % 500) / 100 for n in range(500)}
        ours = store(text_splare={"impacts": given, "digest": "d"})["text_splare"]
        kept = {name: as_stored(value) for name, value in given.items()}
        heaviest = sorted(kept, key=lambda name: (-kept[name], int(name)))
        assert list(ours["impacts"]) == heaviest[:400]
        assert ours["latents"] == heaviest[:20]
        assert (ours["count"], ours["digest"]) == (400, "d")
        assert ours["length"] == pytest.approx(sum(sorted(given.values())[100:]), rel=1e-6)

    def test_without_impacts_the_count_is_zero(self, store):
        assert store(text_splare={"impacts": {"1": 0}})["text_splare"] == {"count": 0}
        assert store(text_splare={})["text_splare"] == {"count": 0}

    def test_a_document_without_the_field_passes(self, store):
        assert store(text="x") == {"text": "x"}

    def test_what_the_mapping_would_refuse_in_the_field_is_dropped(self, store):
        given = {"impacts": {"9": 2}, "digest": {"no": 1}, "more": 1, "latents": 5, "count": "x"}
        ours = store(text_splare=given)["text_splare"]
        assert ours == {"impacts": {"9": 2.0}, "latents": ["9"], "count": 1, "length": 2.0}

    def test_a_length_that_is_given_stays(self, store):
        ours = store(text_splare={"impacts": {"9": 2}, "length": 7.5})["text_splare"]
        assert ours["length"] == 7.5

    @pytest.mark.parametrize("ours", ["x", {"impacts": [1]}, {"impacts": "x"}])
    def test_what_cannot_be_mended_goes_to_the_dead_letters_with_the_reason(
        self, client, index, store, ours
    ):
        with pytest.raises(NotFoundError):
            store(text="x", text_splare=ours)
        for name in ("2", "2"):  # the same again is another letter
            lines = [{"index": {"_index": index, "_id": name}}, {"n": 1, "text_splare": ours}]
            reply = client.bulk(body=lines, params={"pipeline": PIPELINE})
            assert [item["index"]["_index"] for item in reply["items"]] == [DEAD_LETTERS]
        client.indices.refresh(index=DEAD_LETTERS)
        query = {"query": {"bool": {"filter": [{"term": {"index": index}}, {"term": {"id": "2"}}]}}}
        hits = client.search(index=DEAD_LETTERS, body=query)["hits"]["hits"]
        assert len(hits) == 2
        letter = hits[0]["_source"]
        assert letter["document"] == {"n": 1, "text_splare": ours}
        assert "has to be an object" in letter["reason"]
        assert letter.keys() == {"@timestamp", "document", "id", "index", "reason"}
        found = client.indices.get_mapping(index=DEAD_LETTERS)[DEAD_LETTERS]["mappings"]
        assert found == dead_letters_template()["template"]["mappings"] | {"dynamic": "false"}

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
