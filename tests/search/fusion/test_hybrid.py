"""Words and latents fused, by the cluster and by the client: the same hits, ties included."""

import gzip
import itertools
import json
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from opensearchpy import OpenSearch, RequestError
from opensearchpy.exceptions import OpenSearchWarning

from splare_os.cli.comparison import QUERIES as QUESTIONS
from splare_os.cli.comparison import SAMPLE
from splare_os.encode import load_encoder
from splare_os.errors import MappingError
from splare_os.index import IngestOptions, ingest
from splare_os.layout import read_records
from splare_os.search import Fusion, Hybrid, SearchOptions, SplareOpenSearch, hybrid, search
from splare_os.search.fusion.fusion import fuse
from splare_os.search.fusion.hybrid import java_order, pipeline, words_query

from ..conftest import Library

WEIGHTED = Fusion("weighted", weights=(0.3, 0.7))
FUSIONS = [Fusion(), Fusion(k=1, depth=20), WEIGHTED, replace(WEIGHTED, depth=20)]
QUERIES = ["the oil embargo", "price", "war of the river oil crisis", "embargo embargo war"]

Ranking = list[tuple[str, float]]


def ranking(client: OpenSearch, library: Library, query: str, options: SearchOptions) -> Ranking:
    hits = search(client, library.encoder, library.index, query, options)
    return [(hit.id, float(np.float32(hit.score))) for hit in hits]


@pytest.mark.opensearch
@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("group", [None, {"term": {"group": 1}}])
def test_cluster_and_client_give_the_same_hits_scores_and_order_of_ties(
    client: OpenSearch, library: Library, fusion: Fusion, group: dict[str, object] | None
) -> None:
    n_ties = 0
    for query in QUERIES:
        options = SearchOptions(size=fusion.depth, filter=group, hybrid=Hybrid(fusion))
        here = ranking(client, library, query, options)
        there = ranking(
            client, library, query, replace(options, hybrid=Hybrid(fusion, native=True))
        )
        assert here == there
        n_ties += len(here) - len({score for _, score in here})
        if group:
            assert {int(name[1:]) % 2 for name, _ in here} == {1}
    assert n_ties or fusion.method == "weighted"


@pytest.mark.opensearch
def test_fused_scores_are_those_of_both_searches(client: OpenSearch, library: Library) -> None:
    for query in QUERIES:
        words = client.search(
            index=library.index, body={"query": {"match": {"content": query}}, "size": 100}
        )
        by_words = {hit["_id"]: hit["_score"] for hit in words["hits"]["hits"]}
        by_latents = dict(ranking(client, library, query, SearchOptions(size=100)))
        found = ranking(client, library, query, SearchOptions(size=60, hybrid=Hybrid(WEIGHTED)))
        assert dict(found) == pytest.approx(fuse([by_words, by_latents], WEIGHTED), rel=1e-5)


@pytest.mark.opensearch
@pytest.mark.parametrize("wanted", [Hybrid(), Hybrid(native=True)])
def test_pages_of_a_hybrid_are_parts_of_one_ranking(
    client: OpenSearch, library: Library, wanted: Hybrid
) -> None:
    options = SearchOptions(size=60, hybrid=wanted)
    whole = ranking(client, library, "oil war", options)
    pages = [
        ranking(client, library, "oil war", replace(options, start=start, size=7))
        for start in range(0, len(whole), 7)
    ]
    assert [hit for page in pages for hit in page] == whole


@pytest.mark.opensearch
def test_a_hybrid_may_take_two_steps_in_the_client(client: OpenSearch, library: Library) -> None:
    options = SearchOptions(size=60, hybrid=Hybrid())
    whole = ranking(client, library, "oil war", options)
    steps = ranking(client, library, "oil war", replace(options, two_step=True))
    assert sorted(name for name, _ in steps) == sorted(name for name, _ in whole)
    with pytest.raises(ValueError, match="two_step: the cluster cannot fuse it"):
        SearchOptions(two_step=True, hybrid=Hybrid(native=True))
    with pytest.raises(ValueError, match="hits up to rank 101: the best 100 of each"):
        SearchOptions(size=91, start=10, hybrid=Hybrid())


@pytest.fixture
def shards(client: OpenSearch, library: Library, index: str) -> str:
    """The library again, in three shards."""
    mappings = client.indices.get_mapping(index=library.index)[library.index]["mappings"]
    settings = {"number_of_shards": 3, "number_of_replicas": 0}
    client.indices.create(index=index, body={"mappings": mappings, "settings": settings})
    body = {"source": {"index": library.index}, "dest": {"index": index}}
    client.reindex(body=body, params={"refresh": "true"})
    return index


@pytest.mark.opensearch
@pytest.mark.parametrize("fusion", [Fusion(), WEIGHTED])
def test_of_several_shards_scores_are_the_same_where_all_hits_are_fused(
    client: OpenSearch, library: Library, shards: str, fusion: Fusion
) -> None:
    for query in QUERIES:
        options = SearchOptions(size=60, hybrid=Hybrid(fusion))
        here = search(client, library.encoder, shards, query, options)
        native = replace(options, hybrid=Hybrid(fusion, native=True))
        with pytest.warns(OpenSearchWarning, match="best 100 hits of each, and ranks otherwise"):
            there = search(client, library.encoder, shards, query, native)
        scores = [{hit.id: np.float32(hit.score) for hit in hits} for hits in (here, there)]
        assert scores[0] == scores[1]


@pytest.mark.opensearch
def test_an_application_asks_for_a_hybrid_by_one_function(
    splare: SplareOpenSearch, client: OpenSearch, library: Library
) -> None:
    words = {"match": {"content": "the oil embargo"}}
    group = {"term": {"group": 1}}
    body = hybrid(words, "the oil embargo", filter=group) | {"size": 60}
    expected = ranking(
        client,
        library,
        "the oil embargo",
        SearchOptions(size=60, filter=group, hybrid=Hybrid(native=True)),
    )
    replies = [
        splare.search(index="library", body=body),
        *splare.msearch(body=[{"index": "library"}, body])["responses"],
    ]
    for reply in replies:
        hits = reply["hits"]["hits"]
        assert [hit["_id"] for hit in hits] == [name for name, _ in expected]
        assert all("impacts" not in hit["_source"]["text_splare"] for hit in hits)


@pytest.mark.opensearch
def test_a_pipeline_may_be_stored_and_named(splare: SplareOpenSearch, library: Library) -> None:
    body = hybrid({"match": {"content": "oil"}}, "oil", fusion=WEIGHTED)
    inline = splare.search(index="library", body=body)
    splare.transport.perform_request("PUT", "/_search/pipeline/fused", body=pipeline(WEIGHTED))
    try:
        stored = splare.search(
            index="library", body={"query": body["query"]}, params={"search_pipeline": "fused"}
        )
        assert stored["hits"] == inline["hits"]
    finally:
        splare.transport.perform_request("DELETE", "/_search/pipeline/fused")


@pytest.mark.opensearch
def test_words_are_looked_for_in_the_field_of_all_text_or_in_fields_named(
    client: OpenSearch, library: Library, index: str
) -> None:
    def query(index: str, *fields: str) -> dict[str, object]:
        record = read_records(client, index)[index]["text_splare"]
        return words_query(client, index, record, "the oil", fields)

    assert query(library.index) == {"match": {"content": "the oil"}}
    assert query(library.index, "text") == {"match": {"text": "the oil"}}
    mappings = client.indices.get_mapping(index=library.index)[library.index]["mappings"]
    del mappings["properties"]["content"]  # as a backfill finds an index
    for field in mappings["properties"].values():
        field.pop("copy_to", None)
    client.indices.create(index=index, body={"mappings": mappings})
    both = {"query": "the oil", "fields": ["title", "text"], "lenient": True}
    assert query(index) == query(index, "title", "text") == {"multi_match": both}
    body = {"source": {"index": library.index}, "dest": {"index": index}}
    client.reindex(body=body, params={"refresh": "true"})
    options = SearchOptions(size=60, hybrid=Hybrid(Fusion("weighted", weights=(1.0, 0.0))))
    found = ranking(client, library, "the oil", options)
    assert sorted(ranking(client, replace(library, index=index), "the oil", options)) == sorted(
        found
    )


@pytest.mark.opensearch
def test_what_the_cluster_refuses_is_its_own_error(client: OpenSearch, library: Library) -> None:
    options = SearchOptions(filter={"nonsense": {}}, hybrid=Hybrid())
    with pytest.raises(RequestError, match="unknown query"):
        search(client, library.encoder, library.index, "oil", options)
    with pytest.raises(MappingError, match="no index 'nowhere'"):
        search(client, library.encoder, "nowhere", "oil", SearchOptions("text", hybrid=Hybrid()))


def test_documents_of_one_score_stand_in_the_order_of_a_java_hash_table() -> None:
    # a table of 16 places holds 12 keys; 65536 ^ (65536 >> 16) = 65537, at place 1
    numbers = {("i", str(number)): number for number in (33, 16, 65536, 2)}
    order = java_order(numbers)
    assert [order(name) for name in numbers] == [(1, 0), (0, -1), (1, -2), (2, -3)]
    many = {("i", str(number)): number for number in range(20, 33)}  # 13: doubled
    assert [java_order(many)(("i", name))[0] for name in ("31", "32")] == [31, 0]


def test_the_pipeline_to_be_stored_is_the_one_of_a_hybrid() -> None:
    file = resources.files("splare_os") / "ingest_pipelines" / "splare-hybrid.json"
    stored = json.loads(file.read_bytes())
    assert stored.pop("description")
    assert stored == pipeline(Fusion())


@pytest.mark.slow
@pytest.mark.opensearch
def test_real_questions_have_the_same_hits_fused_here_and_there(
    client: OpenSearch, index: str, tmp_path: Path
) -> None:
    mini = load_encoder("mini")
    sample = tmp_path / "sample.jsonl"
    with gzip.open(str(resources.files("splare_os") / "samples" / SAMPLE)) as lines:
        sample.write_bytes(b"".join(itertools.islice(lines, 800)))
    options = IngestOptions(index, state_folder=tmp_path)
    assert len(list(ingest(client, mini, [str(sample)], options))) == 800
    n_ties = 0
    for query in QUESTIONS:
        for fusion in (Fusion(), WEIGHTED):
            here, there = (
                [(hit.id, np.float32(hit.score)) for hit in search(client, mini, index, query, one)]
                for one in (
                    SearchOptions(size=100, hybrid=Hybrid(fusion)),
                    SearchOptions(size=100, hybrid=Hybrid(fusion, native=True)),
                )
            )
            assert here == there, (query, fusion)
            n_ties += len(here) - len({score for _, score in here})
    assert n_ties > 50
