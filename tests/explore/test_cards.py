import json
from pathlib import Path

import pytest
from opensearchpy import OpenSearch
from starlette.testclient import TestClient

from splare_os.explore import InTurns, Place, make_app
from splare_os.index import IngestOptions, ingest
from splare_os.layout.labels import Label, ensure_labels, keep_labels
from splare_os.search.latent_card import latent_card
from tests.hashing import WordEncoder

from .conftest import Ask

pytestmark = pytest.mark.opensearch


def latent_of(ask: Ask, word: str) -> int:
    (found,) = ask("search", query=word, systems=["latents"])[1]["latents"]
    return int(found["latent"])


def test_a_card_tells_where_a_latent_is_heavy_and_what_triggers_it(ask: Ask) -> None:
    oil = latent_of(ask, "oil")
    _, card = ask("latent", latent=oil)
    assert (card["documents"], card["document_frequency"]) == (4, 2)
    assert [one["id"] for one in card["top"]] == ["oil", "river"]
    assert card["trigger_words"] == ["oil"]
    assert ["oil", True] in card["top"][1]["fragments"][0]
    assert ask("latent", latent=(oil + 1) % 65_536)[1]["top"] == []


def test_latents_are_found_by_label_and_else_by_the_model(ask: Ask, place: Place) -> None:
    oil, water = latent_of(ask, "oil"), latent_of(ask, "water")
    found = ask("latents", text="oil")[1]["latents"]
    assert [(one["latent"], one["by"]) for one in found] == [(oil, "text")]
    ensure_labels(place.client)
    keep_labels(place.client, place.encoder, [Label(water, "fuel, oil", "test", ("oil",))])
    place.client.indices.refresh(index="splare-labels")
    try:
        found = ask("latents", text="oil")[1]["latents"]
        assert [(one["latent"], one["by"]) for one in found] == [(water, "label"), (oil, "text")]
        assert ask("latent", latent=water)[1]["label"] == "fuel, oil"
        matches = ask("explain", query="water", ids=["river"])[1]["documents"]["river"]["matches"]
        assert [one["label"] for one in matches] == ["fuel, oil"]
    finally:
        place.client.indices.delete(index="splare-labels")


def test_an_impact_is_told_as_it_is_stored(
    noting_client: OpenSearch, cluster_url: str, index: str, tmp_path: Path
) -> None:
    path = tmp_path / "docs.jsonl"
    texts = {"a": "oil oil oil", "b": "oil and water"}
    path.write_text("".join(json.dumps({"_id": k, "text": v}) + "\n" for k, v in texts.items()))
    encoder = InTurns(WordEncoder(n_latents=65_536))
    options = IngestOptions(index, state_folder=tmp_path, scoring="dot")
    list(ingest(noting_client, encoder, [str(path)], options))
    place = Place.find(noting_client, encoder, index, text_field=None, address=cluster_url)
    latent = int(encoder.encode_queries(["oil"]).indices[0])
    with TestClient(make_app(place, host="127.0.0.1"), base_url="http://127.0.0.1") as browser:
        top = browser.post("/api/latent", json={"latent": latent}).json()["top"]
    stored = latent_card(noting_client, index, latent).top
    assert {one["id"]: one["impact"] for one in top} == {one.id: one.impact for one in stored}
    assert len(top) == 2
