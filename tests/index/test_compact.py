"""An index that keeps impacts out of `_source`: what it holds, what is lost, what mends it."""

import logging
from threading import Event

import pytest
from opensearchpy import OpenSearch

from splare_os.documents.fields import Fields
from splare_os.errors import MappingError
from splare_os.index import BackfillOptions, IngestOptions, backfill, ingest
from splare_os.index.census import take_census
from splare_os.index.handle import IndexHandle
from splare_os.index.job import find_target
from splare_os.index.patience import Patience
from splare_os.index.presence import find_lacking
from splare_os.layout import ensure_index
from splare_os.layout.compact import is_compact
from splare_os.layout.cut import NO_CUT
from splare_os.layout.records import read_mappings
from splare_os.search import SplareOpenSearch
from splare_os.search.hits.hits import SearchOptions, search
from tests.hashing import HashEncoder, WordEncoder

pytestmark = pytest.mark.opensearch

N = 600
FIELD = "text_splare"


def lines(n: int = N) -> list[object]:
    made = [{"_id": f"d{k}", "text": f"ants n{k} carry leaf{k % 7}"} for k in range(n)]
    return [*made, {"_id": "empty", "text": ""}]


@pytest.fixture
def fill(client, index, tmp_path, write):
    def run(documents=None, name: str = index, **options):
        chosen = {"state_folder": tmp_path, "compact": True, "is_restarted": True} | options
        running = ingest(
            client, HashEncoder(), [write(documents or lines())], IngestOptions(name, **chosen)
        )
        for _ in running:
            pass
        return {status: n for status, n in running.counts.items() if n}

    return run


def mend(client, index, tmp_path) -> dict[str, int]:
    options = BackfillOptions(
        index, Fields(title=None), state_folder=tmp_path / "backfill", share=1.0
    )
    running = backfill(client, HashEncoder(), options)
    for _ in running:
        pass
    return {status: n for status, n in running.counts.items() if n}


def found(client: OpenSearch, index: str, word: str) -> set[str]:
    client.indices.refresh(index=index)
    latent = HashEncoder().latent(word)
    query = {"rank_feature": {"field": f"{FIELD}.impacts.{latent}", "linear": {}}}
    hits = client.search(index=index, body={"query": query, "size": 10_000, "_source": False})
    return {hit["_id"] for hit in hits["hits"]["hits"]}


def test_searches_answer_as_ever_and_source_has_no_impacts(client, index, fill, caplog):
    with caplog.at_level(logging.WARNING, "splare_os"):
        assert fill() == {"indexed": N, "empty": 1}
    assert "until `splare-os backfill` makes them anew" in caplog.text
    assert is_compact(read_mappings(client, index)[index], FIELD)
    ours = client.get(index=index, id="d3")["_source"][FIELD]
    assert set(ours) == {"latents", "count", "digest", "length"}
    fill(name=f"{index}-whole", compact=False)
    for word in ("n17", "leaf3", "ants"):
        assert found(client, index, word) == found(client, f"{index}-whole", word) != set()
    (census,), (whole,) = take_census(client, index), take_census(client, f"{index}-whole")
    assert (census.latents, census.mean_length) == (whole.latents, whole.mean_length)


def test_documents_that_have_not_changed_are_unchanged(client, index, fill):
    fill()
    assert fill() == {"unchanged": N + 1}


def test_updates_by_others_lose_impacts_and_a_backfill_or_a_run_mends_them(
    client, index, fill, tmp_path
):
    fill()
    everything = found(client, index, "ants")
    for name in ("d1", "d500"):
        client.update(index=index, id=name, body={"doc": {"price": 3}})
    assert found(client, index, "ants") == everything - {"d1", "d500"}
    assert mend(client, index, tmp_path) == {"indexed": 2, "unchanged": N - 2, "empty": 1}
    assert found(client, index, "ants") == everything
    assert client.get(index=index, id="d1")["_source"]["price"] == 3

    client.update(index=index, id="d2", body={"script": {"source": "ctx._source.n = 1"}})
    client.update(index=index, id="d2", body={"script": {"source": "ctx._source.remove('n')"}})
    client.indices.refresh(index=index)
    assert fill() == {"indexed": 3, "unchanged": N - 2}  # two of them had a price
    assert found(client, index, "ants") == everything


def test_a_version_that_is_not_searchable_yet_is_not_taken_for_seen(client, index, fill):
    fill()
    client.indices.put_settings(index=index, body={"index": {"refresh_interval": -1}})
    client.update(index=index, id="d1", body={"doc": {"price": 3}})
    target = find_target(client, HashEncoder(), index, Fields(), NO_CUT)

    handle = IndexHandle(client, index, target, Patience(), Event())
    held = handle.stored(["d1", "d2", "empty", "missing"])
    assert {name: one.lacks_impacts for name, one in held.items()} == {
        "d1": True,
        "d2": False,
        "empty": False,
    }
    assert find_lacking(client, target, {}) == set()


def test_impacts_that_whole_documents_lost_are_made_anew(client, index, fill, tmp_path):
    fill(compact=False)
    script = {"source": f"ctx._source.{FIELD}.remove('impacts')"}
    client.update(index=index, id="d1", body={"script": script})
    assert fill(compact=False) == {"indexed": 1, "unchanged": N}
    client.update(index=index, id="d1", body={"script": script})
    assert mend(client, index, tmp_path)["indexed"] == 1
    assert "d1" in found(client, index, "ants")


def test_an_index_is_compact_from_its_creation_and_for_one_field(client, index, fill):
    fill(lines(3), compact=False)
    with pytest.raises(MappingError, match="an index is compact from its creation"):
        fill(lines(3))
    fill(lines(3), name=f"{index}-2")
    with pytest.raises(MappingError, match="would lose those of 'text_splare'"):
        ensure_index(client, f"{index}-2", HashEncoder(), Fields(text="title", title=None))


def test_our_client_refuses_what_would_lose_them(client, cluster_url, index, fill):
    fill(lines(3))
    fill(lines(3), name=f"{index}-whole", compact=False)
    update, copy = {"doc": {"price": 3}}, {"source": {"index": index}, "dest": {"index": "copy"}}
    with SplareOpenSearch(cluster_url, encoder=HashEncoder()) as ours:
        for request in (
            lambda: ours.update(index=index, id="d1", body=update),
            lambda: ours.bulk(body=[{"update": {"_index": index, "_id": "d1"}}, update]),
            lambda: ours.bulk(body=[{"update": {"_id": "d1"}}, update], index=index),
            lambda: ours.update_by_query(index=index, body={"query": {"match_all": {}}}),
            lambda: ours.update(index="*", id="d1", body=update),
            lambda: ours.reindex(body=copy),
        ):
            with pytest.raises(MappingError, match=r"is compact, and this request would lose"):
                request()
        ours.update(index=f"{index}-whole", id="d1", body=update)
        ours.bulk(body=[{"index": {"_index": index, "_id": "x"}}, {"text": 'an "update"'}])
        ours.bulk(body=[{"delete": {"_index": index, "_id": "x"}}])


def test_explanations_are_those_of_a_whole_index(client, index, fill):
    fill(lines(30))
    fill(lines(30), name=f"{index}-whole", compact=False)
    encoder = WordEncoder()
    options = SearchOptions(explain=True, size=5)
    one = search(client, encoder, index, "ants leaf3", options)
    whole = search(client, encoder, f"{index}-whole", "ants leaf3", options)
    assert [hit.matches for hit in one] == [hit.matches for hit in whole]
    assert all(hit.matches for hit in one)


def test_a_text_that_has_changed_since_explains_nothing(client, index, fill):
    fill(lines(3))
    hit = client.get(index=index, id="d1")
    changed = hit["_source"] | {"text": "ants n1 carry nothing"}
    impacts = {str(HashEncoder().latent("ants")): 0.5}
    changed["text_splare"]["impacts"] = impacts  # of the former text
    client.index(index=index, id="d1", body=changed, refresh=True)
    options = SearchOptions(explain=True)
    found = search(client, WordEncoder(), index, "ants n1", options)
    assert {hit.id: bool(hit.matches) for hit in found} == {"d0": True, "d1": False, "d2": True}
