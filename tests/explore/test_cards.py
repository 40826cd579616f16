import pytest

from splare_os.explore import Place
from splare_os.layout.labels import Label, ensure_labels, keep_labels

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
