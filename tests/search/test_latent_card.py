"""The card of a latent, from a real cluster."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.documents import Fields
from splare_os.errors import MappingError, ReplyError
from splare_os.index import IngestOptions, ingest
from splare_os.layout import ensure_index
from splare_os.layout.labels import Label, ensure_labels, keep_labels
from splare_os.search.latent_card import latent_card
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

ENCODER = HashEncoder(fingerprint="cards")
TEXTS = ["oil <b>oil</b> oil price", "oil price", "river bank", "river", "music", "music hall"]


@pytest.fixture
def papers(client: OpenSearch, index: str, tmp_path: Path) -> str:
    path = tmp_path / "docs.jsonl"
    lines = [{"_id": f"d{n}", "text": text} for n, text in enumerate(TEXTS * 5)]
    lines += [{"_id": "empty", "text": ""}]
    lines = [line | {"_id": f"d{n}"} for n, line in enumerate(lines)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    list(ingest(client, ENCODER, [str(path)], IngestOptions(index, state_folder=tmp_path)))
    client.indices.refresh(index=index)
    return index


def test_a_card_tells_frequency_top_documents_and_neighbours(
    client: OpenSearch, papers: str
) -> None:
    oil, price = ENCODER.latent("oil"), ENCODER.latent("price")
    card = latent_card(client, papers, oil, size=2)
    assert (card.documents, card.document_frequency) == (30, 10)
    assert card.frequency == "in 10 of 30 documents (33.33%)"
    assert len(card.top) == 2
    assert card.top[0].beginning.startswith("oil <b>oil</b>")  # twice, and thus heavier
    assert card.top[0].impact >= card.top[1].impact > 0
    near = {one.latent: one for one in card.neighbours}
    assert oil not in near
    assert near[price].share == 1.0
    assert near[price].share_elsewhere == pytest.approx(10 / 31, abs=1e-4)


def test_labels_are_shown_where_there_are_some(client: OpenSearch, papers: str) -> None:
    oil = ENCODER.latent("oil")
    ensure_labels(client)
    label = Label(oil, "<i>fuel</i>", "by hand", ("oil", "gas"), trigger_words=("<u>oils", "oily"))
    keep_labels(client, ENCODER, [label])
    client.indices.refresh(index="splare-labels")
    card = latent_card(client, papers, oil)
    assert (card.label, card.words) == ("<i>fuel</i>", ("oil", "gas"))
    html = card._repr_html_()
    assert "&lt;i&gt;fuel&lt;/i&gt;" in html
    assert "came from: <bdi>&lt;u&gt;oils, oily</bdi>" in html
    assert "<b>oil" not in html


def test_a_latent_that_no_document_shows_has_a_card(client: OpenSearch, papers: str) -> None:
    used = {ENCODER.latent(word) for text in TEXTS for word in text.split()}
    card = latent_card(client, papers, min(set(range(512)) - used))
    assert (card.document_frequency, card.top, card.neighbours) == (0, (), ())


def test_a_number_that_is_no_latent_is_refused(client: OpenSearch, papers: str) -> None:
    for number in (-1, 512):
        with pytest.raises(ValueError, match="'hash' has latents 0 to 511"):
            latent_card(client, papers, number)


def test_one_field_of_one_model_is_meant(client: OpenSearch, papers: str) -> None:
    ensure_index(client, papers, HashEncoder(fingerprint="x"), Fields(impacts="other_splare"))
    with pytest.raises(MappingError, match="in other_splare, text_splare, of 2 models"):
        latent_card(client, papers, 1)
    card = latent_card(client, papers, ENCODER.latent("oil"), impacts_field="text_splare")
    assert card.document_frequency == 10
    client.indices.create(index=f"{papers}-plain")
    with pytest.raises(MappingError, match="in no field"):
        latent_card(client, f"{papers}-plain", 1)


def test_of_several_texts_of_one_model_one_is_named(client: OpenSearch, papers: str) -> None:
    ensure_index(client, papers, ENCODER, Fields("other", None))
    with pytest.raises(MappingError, match="of one model: name a --text-field or an --impacts"):
        latent_card(client, papers, 1)
    assert latent_card(client, papers, 1, text_field="text").field == "text_splare"


def test_no_card_is_made_of_some_shards_alone(
    client: OpenSearch, papers: str, with_one_down: Callable[[str], str]
) -> None:
    with pytest.raises(ReplyError, match="not all of its shards answer"):
        latent_card(client, with_one_down(papers), ENCODER.latent("oil"))
