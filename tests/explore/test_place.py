from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.documents import Fields
from splare_os.errors import MappingError, ModelMismatchError
from splare_os.explore import Place
from splare_os.explore.cards import card_of
from splare_os.explore.messages import Carding, Searching
from splare_os.explore.searching import search_systems
from splare_os.index import IngestOptions, ingest
from splare_os.layout import ensure_index
from splare_os.search import SearchOptions
from tests.hashing import HashEncoder, WordEncoder

pytestmark = pytest.mark.opensearch


def test_an_alias_is_a_place_and_several_indices_are_none(
    client: OpenSearch,
    index: str,
    write: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    encoder = WordEncoder()
    for name in (f"{index}-a", f"{index}-b"):
        list(ingest(client, encoder, [write([{"_id": "1", "text": "oil"}])], IngestOptions(name)))
    client.indices.put_alias(index=f"{index}-a", name=f"{index}-now")
    asked = {"text_field": None, "address": "http://x"}
    place = Place.find(client, encoder, f"{index}-now", **asked)  # type: ignore[arg-type]
    assert place.about()["documents"] == 1
    with pytest.raises(MappingError, match="explore one index"):
        Place.find(client, encoder, f"{index}-*", **asked)  # type: ignore[arg-type]
    with pytest.raises(ModelMismatchError):
        Place.find(client, WordEncoder(fingerprint="f" * 16), f"{index}-a", **asked)  # type: ignore[arg-type]
    client.indices.put_alias(index=f"{index}-b", name=f"{index}-now")
    for asks in (place.about, partial(search_systems, place, Searching(query="oil"))):
        with pytest.raises(MappingError, match="explore one index"):  # it led to one before
            asks()


def test_of_several_impacts_of_a_text_the_models_or_the_named_are_shown(
    client: OpenSearch, index: str, write: Callable[..., str], tmp_path: Path
) -> None:
    encoder, other = WordEncoder(), WordEncoder(fingerprint="f" * 16)
    options = IngestOptions(index, state_folder=tmp_path)
    list(ingest(client, encoder, [write([{"_id": "1", "text": "oil"}])], options))
    ensure_index(client, index, other, Fields(impacts="text_2_splare"))

    def found(encoder: WordEncoder, field: str | None = None) -> Place:
        options = {"text_field": None, "impacts_field": field}
        return Place.find(client, encoder, index, address="http://x", **options)

    place = found(encoder)
    oil = encoder.latent("oil")
    assert card_of(place, Carding(latent=oil))["document_frequency"] == 1
    assert card_of(found(other), Carding(latent=oil))["document_frequency"] == 0
    ensure_index(client, index, encoder, Fields(impacts="text_3_splare"))
    place = found(encoder, "text_3_splare")
    assert place.impacts().name == "text_3_splare"
    assert place.search("oil", SearchOptions()) == []
    assert [hit.id for hit in found(encoder, "text_splare").search("oil", SearchOptions())] == ["1"]


def test_a_model_without_spans_has_no_words(client: OpenSearch) -> None:
    place = Place(client, HashEncoder(), "nothing", "text", "http://x")
    assert place.words("oil price") == {}
