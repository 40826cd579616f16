"""Large and odd collections; what hits are is in test_app.py."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from opensearchpy import OpenSearch

from splare_os.explore import InTurns, NotingTransport, Place
from splare_os.explore.messages import Explaining, Searching
from splare_os.explore.searching import SYSTEMS, explain_hits, search_systems
from splare_os.index import IngestOptions, ingest
from tests.hashing import WordEncoder

pytestmark = pytest.mark.opensearch


@pytest.mark.slow
def test_ten_thousand_documents_are_searched_and_explained(
    cluster_url: str,
    index: str,
    write: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    drawn = random.Random(0)
    words = [f"word{number}" for number in range(2000)]
    texts = [" ".join(drawn.choices(words, k=40)) for _ in range(10_000)]
    path = write([{"_id": str(at), "text": text} for at, text in enumerate(texts)])
    encoder = InTurns(WordEncoder(n_latents=65_536))
    with OpenSearch(cluster_url, transport_class=NotingTransport, timeout=60) as client:
        list(ingest(client, encoder, [path], IngestOptions(index=index)))
        place = Place.find(client, encoder, index, text_field=None, address=cluster_url)
        assert place.about()["documents"] == 10_000
        query = " ".join(texts[77].split()[:8])
        found = search_systems(place, Searching(query=query, size=30))
        for column in found["columns"].values():
            assert len(column["hits"]) == 30
            assert column["hits"][0]["id"] == "77"
        ids = [hit["id"] for hit in found["columns"]["latents"]["hits"]]
        told = explain_hits(place, Explaining(query=query, ids=ids))["documents"]
        assert told.keys() == set(ids)


def test_an_index_without_titles_has_hits_without(
    cluster_url: str,
    index: str,
    write: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from splare_os.documents import Fields

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    encoder = InTurns(WordEncoder())
    fields = Fields(text="body", title=None)
    with OpenSearch(cluster_url, transport_class=NotingTransport, timeout=60) as client:
        options = IngestOptions(index=index, fields=fields)
        list(ingest(client, encoder, [write([{"_id": "1", "body": "oil war"}])], options))
        place = Place.find(client, encoder, index, text_field=None, address=cluster_url)
        columns = search_systems(place, Searching(query="oil"))["columns"]
        for name in ("bm25", "latents", "hybrid"):
            (hit,) = columns[name]["hits"]
            assert (hit["id"], hit["title"]) == ("1", "")
            assert "oil" in "".join(text for text, _ in hit["fragments"][0])


def test_systems_are_asked_at_once(
    cluster_url: str,
    index: str,
    write: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = write([{"_id": "1", "text": "oil embargo"}])
    encoder, meeting = InTurns(WordEncoder()), Barrier(len(SYSTEMS), timeout=60)

    def met(*asked: Any, does: Callable[..., Any]) -> Any:
        meeting.wait()  # one that came alone would wait in vain
        return does(*asked)

    for name, does in SYSTEMS.items():
        monkeypatch.setitem(SYSTEMS, name, partial(met, does=does))  # type: ignore[arg-type]
    with OpenSearch(cluster_url, transport_class=NotingTransport, timeout=60) as client:
        list(ingest(client, encoder, [path], IngestOptions(index=index)))
        place = Place.find(client, encoder, index, text_field=None, address=cluster_url)
        found = search_systems(place, Searching(query="oil"))
    assert list(found["columns"]) == ["bm25", "latents", "hybrid"]
    counts = {name: len(column["requests"]) for name, column in found["columns"].items()}
    assert counts == {"bm25": 1, "latents": 1, "hybrid": 2}  # each tells of its own
