"""What is encoded and where its impacts go: arrays, paths, templates, fields, models."""

from collections.abc import Callable
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.documents import Fields
from splare_os.errors import JobError, ModelMismatchError
from splare_os.index import BackfillOptions, IngestOptions, backfill, ingest
from splare_os.layout import read_records
from splare_os.search import SearchOptions, SplareOpenSearch, search
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

Run = Callable[..., dict[str, int]]

OLD, NEW = HashEncoder(), HashEncoder(1024, "fedcba9876543210")


@pytest.fixture
def index_lines(client: OpenSearch, index: str, write, tmp_path: Path) -> Run:
    """Index documents, and return the outcomes that there are."""

    def run(*documents: dict[str, object], encoder: HashEncoder = OLD, **fields: object):
        options = IngestOptions(index, Fields(**fields), state_folder=tmp_path / "state")
        running = ingest(client, encoder, [write(documents)], options)
        list(running)
        client.indices.refresh(index=index)
        return {status: n for status, n in running.counts.items() if n}

    return run


@pytest.fixture
def fill(client: OpenSearch, index: str, tmp_path: Path) -> Run:
    """Backfill, and return the outcomes that there are."""

    def run(*, encoder: HashEncoder = OLD, **fields: object):
        chosen = {"state_folder": tmp_path / "state", "share": 1.0}
        running = backfill(client, encoder, BackfillOptions(index, Fields(**fields), **chosen))
        list(running)
        client.indices.refresh(index=index)
        return {status: n for status, n in running.counts.items() if n}

    return run


def found(client, index, words: str, field: str = "text", encoder: HashEncoder = OLD) -> list[str]:
    hits = search(client, encoder, index, words, SearchOptions(field))
    return [hit.id for hit in hits]


def source(client, index, name: str) -> dict[str, object]:
    return client.get(index=index, id=name)["_source"]


def test_texts_inside_objects_and_arrays_are_found_by_latents_and_by_bm25(
    client, index, index_lines, fill
):
    documents = [
        {"_id": "a", "paper": {"parts": [{"body": "ants carry"}, {"body": ["leaves"]}]}},
        {"_id": "b", "paper": {"parts": []}},
    ]
    fields = {"text": "paper.parts.body"}
    assert index_lines(*documents, **fields) == {"indexed": 1, "empty": 1}
    assert index_lines(*documents, **fields) == {"unchanged": 2}
    for word in ("carry", "leaves"):
        assert found(client, index, word, "paper.parts.body") == ["a"]
        body = {"query": {"match": {"content": word}}}
        assert client.search(index=index, body=body)["hits"]["total"]["value"] == 1
    assert fill(**fields) == {"unchanged": 1, "empty": 1}
    assert source(client, index, "a")["paper_parts_body_splare"]["count"] == 3


def test_a_template_says_what_is_encoded_and_the_record_tells(client, index, index_lines, fill):
    fields = {"template": "made by {maker.name} {text}"}
    document = {"_id": "a", "maker": {"name": "acme"}, "text": "anvil"}
    assert index_lines(document, **fields) == {"indexed": 1}
    assert found(client, index, "acme") == ["a"]
    record = read_records(client, index)[index]["text_splare"]
    assert record.text_fields == ("maker.name", "text")
    assert record.document_fields == Fields(**fields)
    client.index(index=index, id="b", body={"maker": {"name": "acme"}, "text": "rope"})
    assert fill(**fields) == {"indexed": 1, "unchanged": 1}
    assert set(found(client, index, "made")) == {"a", "b"}


def test_an_index_may_have_impacts_of_several_texts(client, index, index_lines, fill):
    documents = [{"_id": "a", "title": "ants", "text": "x"}, {"_id": "b", "title": "bees"}]
    assert index_lines(*documents, title=None) == {"indexed": 1, "empty": 1}
    assert fill(text="title", title=None) == {"indexed": 2}
    assert found(client, index, "ants", "title") == ["a"]
    assert index_lines(*documents, title=None) == {"unchanged": 2}
    kept = source(client, index, "a")["title_splare"]
    documents[0] |= {"text": "y"}
    documents[1] |= {"title": "wasps"}
    assert index_lines(*documents, title=None) == {"indexed": 1, "empty": 1}
    assert source(client, index, "a")["title_splare"] == kept
    assert "title_splare" not in source(client, index, "b")
    assert fill(text="title", title=None) == {"unchanged": 1, "indexed": 1}
    assert found(client, index, "wasps", "title") == ["b"]


def test_a_run_keeps_impacts_of_a_field_that_came_after_its_start(
    client, index, index_lines, fill, write, tmp_path
):
    documents = [{"_id": f"d{k}", "text": "ants", "note": f"bees n{k}"} for k in range(12)]
    index_lines(*documents)
    again = write([*documents[:10], *(one | {"text": "wasps"} for one in documents[10:])])
    options = IngestOptions(index, state_folder=tmp_path / "again", chunk_documents=1)
    running = ingest(client, OLD, [again], options)
    outcomes = iter(running)
    next(outcomes)
    assert fill(text="note", title=None) == {"indexed": 12}
    list(outcomes)
    assert running.counts["unchanged"] == 10
    client.indices.refresh(index=index)
    assert found(client, index, "n11", "note") == ["d11"]
    assert fill(text="note", title=None) == {"unchanged": 2}


def test_two_models_of_one_text_are_never_mixed(client, index, cluster_url, index_lines, fill):
    documents = [{"_id": f"d{k}", "text": f"ants n{k}"} for k in range(20)]
    assert index_lines(*documents) == {"indexed": 20}
    with pytest.raises(ModelMismatchError, match="an impacts field, of its own"):
        fill(encoder=NEW)
    assert fill(encoder=NEW, impacts="text_2_splare") == {"indexed": 20}
    records = read_records(client, index)[index]
    assert {name: each.fingerprint for name, each in records.items()} == {
        "text_splare": OLD.fingerprint,
        "text_2_splare": NEW.fingerprint,
    }
    assert index_lines({"_id": "old", "text": "ants n7"}) == {"indexed": 1}
    query = {"query": {"splare": {"text": "n7"}}, "_source": ["text"]}
    for encoder, expected in ((OLD, ["d7", "old"]), (NEW, ["d7"])):
        assert sorted(found(client, index, "n7", encoder=encoder)) == expected
        with SplareOpenSearch(cluster_url, encoder=encoder) as ours:
            hits = ours.search(index=index, body=query)["hits"]["hits"]
        assert sorted(hit["_id"] for hit in hits) == expected


def test_a_model_finds_its_own_field_without_its_name(client, index, index_lines, fill):
    assert index_lines({"_id": "a", "text": "ants"}) == {"indexed": 1}
    assert fill(encoder=NEW, impacts="text_2_splare") == {"indexed": 1}
    changed = {"_id": "a", "text": "bees"}
    assert index_lines(changed, encoder=NEW) == {"indexed": 1}
    assert source(client, index, "a").keys() == {"text", "text_2_splare"}
    assert fill() == {"indexed": 1}
    assert fill(encoder=NEW) == {"unchanged": 1}
    assert found(client, index, "bees") == found(client, index, "bees", encoder=NEW) == ["a"]


def test_an_index_is_made_only_for_fields_that_documents_have(client, index, index_lines):
    documents = [{"_id": n, "answer": "oil"} for n in range(16)]
    with pytest.raises(JobError, match="none of the first 16 documents has a field 'title' or"):
        index_lines(*documents)
    assert not client.indices.exists(index=index)
    assert index_lines(*documents, text="answer") == {"indexed": 16}
    with pytest.raises(JobError, match="name the text field"):
        index_lines(*documents)  # it would have a second field, which nothing is in
    assert read_records(client, index)[index].keys() == {"answer_splare"}
    assert index_lines({"_id": 7}, text="answer") == {"empty": 1}
