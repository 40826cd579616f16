"""What a latent stands for: its card, with the words that it comes from; and latents by name."""

from collections import Counter
from dataclasses import asdict
from typing import Any, TypeAlias

from opensearchpy import NotFoundError
from opensearchpy.exceptions import AuthorizationException

from ..layout.labels import Label
from ..layout.records import FieldRecord
from ..search import Hit, SearchOptions
from ..search.hits.reading import ids_query
from ..search.labels.labels import Labels
from ..search.labels.vocabulary import words_of
from ..search.latent_card import TopDocument, latent_card
from ..steering import Steering
from .messages import Carding, Naming, Steered
from .pieces import fragments_of
from .place import Place, title_of
from .searching import query_latents

Json: TypeAlias = dict[str, Any]

TOP = 6
MOST_WORDS = 12
MOST_NAMED = 12


def card_of(place: Place, asked: Carding) -> Json:
    """Return the card of a latent: its heaviest documents are marked where it comes from.

    `trigger_words` are the label's, or else those of these documents, the most frequent first.
    """
    found, field = (place.client, place.index, asked.latent), place.impacts().name
    card = latent_card(*found, text_field=place.text_field, impacts_field=field, size=TOP)
    hits = _explained(place, asked.latent, [one.id for one in card.top])
    record = place.record()
    counts = Counter(
        word
        for hit in hits.values()
        for match in hit.matches
        for word in dict.fromkeys(words_of(match.document_text))
    )
    seen = [word for word, _ in counts.most_common(MOST_WORDS)]
    return {
        "latent": asked.latent,
        "label": card.label,
        "documents": card.documents,
        "document_frequency": card.document_frequency,
        "words": card.words,
        "trigger_words": card.trigger_words or seen,
        "top": [_top(hits[one.id], one, record) for one in card.top if one.id in hits],
        "neighbours": [asdict(one) for one in card.neighbours],
    }


def _top(hit: Hit, heavy: TopDocument, record: FieldRecord) -> Json:
    return {
        "id": heavy.id,
        "title": title_of(hit.source, record),
        "impact": heavy.impact,
        "fragments": fragments_of(hit)[:1],
    }


def _explained(place: Place, latent: int, ids: list[str]) -> dict[str, Hit]:
    """Return documents by id, explained by a query of that latent alone."""
    if not ids:
        return {}
    options = SearchOptions(
        size=len(ids),
        explain=True,
        filter=ids_query(ids),
        steer=Steering(add=((latent, 1.0),)),
    )
    return {hit.id: hit for hit in place.search("", options)}


def find_latents(place: Place, asked: Naming) -> Json:
    """Return latents about something: by their labels first, then those of the text as a query."""
    labels = _labels_about(place, asked.text)
    by_label = [
        {"latent": one.latent, "label": one.label, "word": "", "by": "label"} for one in labels
    ]
    known = {one.latent for one in labels}
    of_text = [
        {"latent": one["latent"], "label": one["label"], "word": one["word"], "by": "text"}
        for one in query_latents(place, Steered(query=asked.text))
        if one["latent"] not in known
    ]
    return {"latents": [*by_label, *of_text][: 2 * MOST_NAMED]}


def _labels_about(place: Place, text: str) -> list[Label]:
    """Return labels that share words with a text; none where there are none, or may not be read."""
    try:
        return Labels(place.client, place.encoder).find(text, size=MOST_NAMED)
    except (NotFoundError, AuthorizationException):
        return []
