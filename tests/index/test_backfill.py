"""Impacts for an index that is there already, of a real server."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from opensearchpy import OpenSearch

from splare_os.documents.fields import Fields
from splare_os.errors import BulkError
from splare_os.index import BackfillOptions, BackfillRun, backfill
from splare_os.index.actions import Target, text_digest
from splare_os.layout import DocumentCut, read_records
from splare_os.layout.statistics import kept_statistics
from splare_os.scoring import K1, Saturation
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

Filled = Callable[..., BackfillRun]

TEXT = {"text": {"type": "text"}}


def make(client: OpenSearch, index: str, n: int = 0, n_shards: int = 2) -> None:
    """An index as people have it, with texts, documents without one, and one of another type."""
    body = {"settings": {"number_of_shards": n_shards}, "mappings": {"properties": TEXT}}
    client.indices.create(index=index, body=body)
    for k in range(n):
        text = {5: {}, 6: {"text": 5}, 7: {"text": ""}}.get(k, {"text": f"ants n{k}"})
        client.index(index=index, id=f"d{k}", body={"price": k} | text)


@pytest.fixture
def fill(client: OpenSearch, index: str, tmp_path: Path) -> Filled:
    """Run a backfill to its end."""

    def run(name: str = index, encoder: HashEncoder | None = None, **options: object):
        running = start(client, name, tmp_path, encoder, **options)
        running.outcomes = list(running)
        return running

    return run


def start(client, index, folder, encoder=None, **options) -> BackfillRun:
    chosen = {"state_folder": folder / "state", "page_documents": 4, "share": 1.0} | options
    return backfill(client, encoder or HashEncoder(), BackfillOptions(index, **chosen))


def some(running: BackfillRun) -> dict[str, int]:
    return {status: n for status, n in running.counts.items() if n}


def contents(client, index) -> dict[str, dict]:
    client.indices.refresh(index=index)
    hits = client.search(index=index, body={"size": 10_000})["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def stale(client, index, fields: Fields | None = None) -> list[str]:
    """The documents whose impacts are not those of their text, said by the plain way."""
    field = (fields or Fields()).text
    target = Target(
        index, f"{field}_splare", HashEncoder().fingerprint, DocumentCut(400), Saturation(K1)
    )
    return [
        name
        for name, body in contents(client, index).items()
        if isinstance(body.get(field), str)
        and body[field]
        and (
            body.get(target.field, {}).get("digest") != text_digest(body[field], target)
            or not body[target.field].get("impacts")
        )
    ]


def test_every_document_gets_its_impacts_and_keeps_all_else(client, index, fill):
    make(client, index, 20)
    running = fill()
    assert some(running) == {"indexed": 17, "empty": 2, "dead": 1}
    assert len(running.outcomes) == 20
    found = contents(client, index)
    assert stale(client, index) == []
    assert {name: body["price"] for name, body in found.items()} == {f"d{k}": k for k in range(20)}
    assert found["d5"] == {"price": 5}
    assert read_records(client, index)[index]["text_splare"].fingerprint == "0123456789abcdef"
    [letters] = running.dead_letters
    assert b"has to be a string" in letters.read_bytes()
    kept = kept_statistics(client, [index], "text_splare")[index]
    assert kept.statistics.documents == 17


def test_a_second_run_looks_only_at_what_was_written_since(client, index, fill):
    make(client, index, 20)
    fill()
    assert some(fill()) == {}
    client.update(index=index, id="d1", body={"doc": {"text": "bees"}})
    client.index(index=index, id="new", body={"text": "wasps"})
    client.delete(index=index, id="d2")
    encoder = HashEncoder()
    assert some(fill(encoder=encoder)) == {"indexed": 2}
    assert sum(encoder.batches) == 2
    latents = contents(client, index)["d1"]["text_splare"]["impacts"]
    assert list(latents) == [str(encoder.latent("bees"))]


def test_a_restart_looks_at_all_and_mends_impacts_that_are_lost(client, index, fill):
    make(client, index, 5)
    fill()
    lost = {"script": "ctx._source.text_splare.remove('impacts')"}
    client.update(index=index, id="d3", body=lost)
    assert some(fill(is_restarted=True)) == {"indexed": 1, "unchanged": 4}
    assert stale(client, index) == []


def test_an_update_that_keeps_the_text_costs_nothing(client, index, fill):
    make(client, index, 5)
    fill()
    client.update(index=index, id="d3", body={"doc": {"price": 99}})
    encoder = HashEncoder()
    assert some(fill(encoder=encoder)) == {"unchanged": 1}
    assert encoder.batches == []
    assert contents(client, index)["d3"]["price"] == 99


def test_only_documents_of_the_query_and_of_the_alias_get_impacts(client, index, fill):
    make(client, index, 5)
    dear = {"range": {"price": {"gte": 3}}}
    client.indices.put_alias(index=index, name=f"{index}-dear", body={"filter": dear})
    assert some(fill(f"{index}-dear", where={"range": {"price": {"lt": 4}}})) == {"indexed": 1}
    assert some(fill(f"{index}-dear")) == {"indexed": 1, "unchanged": 1}
    assert sorted(stale(client, index)) == ["d0", "d1", "d2"]


def test_a_query_that_is_none_is_refused(client, index, fill):
    make(client, index, 1)
    with pytest.raises(ValueError, match=r"where=.*unknown query \[nope\]"):
        fill(where={"nope": {}})


def test_all_indices_of_an_alias_get_impacts(client, index, fill):
    for name in (f"{index}-1", f"{index}-2"):
        make(client, name, 4)
    client.indices.put_alias(index=f"{index}-*", name=index)
    assert some(fill()) == {"indexed": 8}
    assert stale(client, index) == []


def test_an_index_that_comes_to_an_alias_stores_impacts_as_the_others(client, index, fill):
    for name in (f"{index}-2", f"{index}-1"):  # the one that was there sorts behind it
        make(client, name, 4)
        client.indices.put_alias(index=name, name=index)
        fill(scoring="dot" if name.endswith("2") else None)
    records = read_records(client, index).values()
    assert [record["text_splare"].saturation for record in records] == [None, None]


def test_documents_of_a_routing_are_found(client, index, fill):
    make(client, index)
    for k in range(9):
        client.index(index=index, id=f"d{k}", body={"text": "x"}, params={"routing": f"r{k}"})
    assert some(fill()) == {"indexed": 9}
    assert stale(client, index) == []


def test_fields_are_called_otherwise(client, index, fill):
    client.index(index=index, id="a", body={"body": "ants", "head": "bees"}, refresh=True)
    fields = Fields(text="body", title="head")
    assert some(fill(fields=fields)) == {"indexed": 1}
    assert contents(client, index)["a"]["body_splare"]["count"] == 2


class Meddler(HashEncoder):
    """Somebody else writes to the index while texts are encoded, each time."""

    def __init__(self, meddle: Callable[[int], None]) -> None:
        super().__init__()
        self.meddle = meddle

    def encode_documents(self, texts):
        self.meddle(len(self.batches))
        return super().encode_documents(texts)


def test_what_others_write_meanwhile_stays_and_gets_its_impacts(client, index, fill):
    make(client, index, 5, n_shards=1)

    def meddle(n_batches: int) -> None:
        if n_batches == 0:
            client.update(index=index, id="d1", body={"doc": {"text": "bees", "price": 99}})
            client.delete(index=index, id="d2")
            client.index(index=index, id="new", body={"text": "wasps"})

    running = fill(encoder=Meddler(meddle))
    assert some(running) == {"indexed": 5, "moved": 1, "gone": 1}
    assert stale(client, index) == []
    found = contents(client, index)
    assert (found["d1"]["text"], found["d1"]["price"]) == ("bees", 99)
    assert "d2" not in found


def test_a_run_that_is_left_goes_on_where_it_was_left(client, index, fill, tmp_path):
    make(client, index, 40, n_shards=1)
    outcomes = iter(start(client, index, tmp_path))
    seen = [next(outcomes) for _ in range(10)]
    outcomes.close()
    running = fill()
    assert running.n_done_before >= len(seen)
    assert some(running) == {"indexed": 37, "empty": 2, "dead": 1}
    assert stale(client, index) == []
    assert len(running.dead_letters[0].read_bytes().splitlines()) == 1


def test_an_index_that_is_made_anew_starts_over(client, index, fill):
    make(client, index, 3)
    fill()
    client.indices.delete(index=index)
    make(client, index, 4)
    assert some(fill()) == {"indexed": 4}


def test_a_blocked_index_ends_the_run_and_it_goes_on_afterwards(client, index, fill):
    make(client, index, 4)
    fill()
    client.index(index=index, id="new", body={"text": "wasps"})
    client.indices.put_settings(index=index, body={"index.blocks.write": True})
    with pytest.raises(BulkError, match="Lift the block"):
        fill()
    client.indices.put_settings(index=index, body={"index.blocks.write": None})
    assert some(fill()) == {"indexed": 1}


@pytest.fixture
def watched(client, index, tmp_path) -> Iterator[BackfillRun]:
    """A run that watches an alias of one index."""
    make(client, f"{index}-1", 3)
    client.indices.put_alias(index=f"{index}-1", name=index)
    running = start(client, index, tmp_path, watch=True, poll_s=0.1)
    thread = Thread(target=watch, args=(running,))
    thread.start()
    yield running
    running.stop.set()
    thread.join()


def watch(running: BackfillRun) -> None:
    with suppress(BulkError):  # it is stopped wherever it is
        for _ in running:
            pass


def until(is_true: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_watch_follows_what_others_write_and_new_indices_of_the_alias(client, index, watched):
    until(lambda: watched.counts["indexed"] == 3)
    for k in range(5):
        client.index(index=f"{index}-1", id=f"n{k}", body={"text": f"wasps n{k}"})
        until(lambda k=k: watched.counts["indexed"] == 4 + k)
    make(client, f"{index}-2", 4)
    client.indices.put_alias(index=f"{index}-2", name=index)
    until(lambda: watched.counts["indexed"] == 12)
    client.indices.delete(index=f"{index}-1")
    client.index(index=index, id="last", body={"text": "queen"})
    until(lambda: watched.counts["indexed"] == 13)
    assert stale(client, index) == []


@pytest.mark.parametrize("at", ["indices.refresh", "search", "bulk", "indices.get_mapping"])
def test_a_watch_goes_on_whenever_an_index_goes(client, index, watched, monkeypatch, at):
    until(lambda: watched.counts["indexed"] == 3)
    make(client, f"{index}-2", 1)
    client.indices.put_alias(index=f"{index}-2", name=index)
    until(lambda: watched.counts["indexed"] == 4)
    place, name = (watched.client.indices if "." in at else watched.client), at.split(".")[-1]
    asked, n_asked = getattr(place, name), []

    def ask_too_late(*args: object, **kwargs: object) -> object:
        if not n_asked:
            n_asked.append(1)
            OpenSearch(client.transport.hosts).indices.delete(index=f"{index}-1")
        return asked(*args, **kwargs)

    monkeypatch.setattr(place, name, ask_too_late)
    client.index(index=f"{index}-1", id="lost", body={"text": "wasps"})
    until(lambda: bool(n_asked))
    client.index(index=f"{index}-2", id="last", body={"text": "queen"})
    until(lambda: watched.counts["indexed"] >= 5 and not stale(client, f"{index}-2"))
