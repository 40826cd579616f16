"""A search of several systems side by side, and why its hits are found."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

from ..impacts import to_features
from ..layout.records import FieldRecord
from ..reply import rows
from ..search import Hit, Hybrid, SearchOptions
from ..search.explain.explain import Match
from ..search.fusion.hybrid import words_query
from ..search.hits.reading import ids_query
from ..search.rewrite.source import exclude_impacts
from .messages import Explaining, Searching, Steered, System
from .pieces import CLOSE, OPEN, Pieces, best_of, fragments_of
from .place import Place, joined, title_of
from .requests import curl, noted, searches

Json: TypeAlias = dict[str, Any]

BEGINNING = 240
MOST_ANALYZED = 100_000
"""Characters of a text in which the server looks for words to mark; it refuses a million.

It gives the text whole, and passages are cut here: its own sentences take several times as long.
"""

MOST_MATCHES = 12
"""Of a hit, told one by one; the rest is summed up."""


def search_systems(place: Place, asked: Searching) -> Json:
    """Return the hits of each system, the query's latents, and what was sent for them.

    They are asked for at once, so that one waits for the cluster while another encodes.
    """
    start = time.perf_counter()
    record, names = place.record(), list(dict.fromkeys(asked.systems))
    with ThreadPoolExecutor(len(names) + 1) as threads:
        latents = threads.submit(query_latents, place, asked)
        found = threads.map(lambda name: _column(place, record, name, asked), names)
        columns = dict(zip(names, found, strict=True))
        return {"columns": columns, "latents": latents.result(), "took_ms": _since(start)}


def query_latents(place: Place, asked: Steered) -> list[Json]:
    """Return what a query weighs before it is steered by hand: its latents, heaviest first."""
    weights = to_features(place.query_weights(asked.query, asked.examples()))
    total = sum(weights.values())
    words = place.words(asked.query, query=True)
    labels = place.labels(map(int, weights))
    return [
        {
            "latent": int(name),
            "weight": weight,
            "share": weight / total,
            "word": words.get(int(name), ""),
            "label": labels[int(name)].label if int(name) in labels else None,
        }
        for name, weight in weights.items()
    ]


def _column(place: Place, record: FieldRecord, name: System, asked: Searching) -> Json:
    start = time.perf_counter()
    with noted() as sent:
        hits = SYSTEMS[name](place, record, asked)
    requests = [curl(one, place.address) for one in searches(sent, place.index)]
    return {"hits": hits, "took_ms": _since(start), "requests": requests}


def _since(start: float) -> float:
    return round(1000 * (time.perf_counter() - start), 1)


def _bm25(place: Place, record: FieldRecord, asked: Searching) -> list[Json]:
    """Return hits by words alone, which nothing steers."""
    if not asked.query.strip():
        return []
    body = {
        "query": words_query(place.client, place.index, record, asked.query),
        "size": asked.size,
        "_source": exclude_impacts(list(record.text_fields)),
        "highlight": {
            **{"pre_tags": [OPEN], "post_tags": [CLOSE], "require_field_match": False},
            **{"number_of_fragments": 0, "max_analyzer_offset": MOST_ANALYZED},
            "fields": {record.text_field: {}},
        },
    }
    hits = rows(place.client.search(index=place.index, body=body), "hits", "hits")
    return [
        _shown(Hit(hit["_id"], hit["_score"], hit["_source"]), record, _marked(hit, record))
        for hit in hits
    ]


def _marked(hit: Mapping[str, Any], record: FieldRecord) -> list[Pieces]:
    return best_of(hit.get("highlight", {}).get(record.text_field, []), MOST_ANALYZED)


def _latents(
    place: Place, record: FieldRecord, asked: Searching, hybrid: Hybrid | None = None
) -> list[Json]:
    options = SearchOptions(
        size=asked.size,
        fields=record.text_fields,
        hybrid=hybrid,
        steer=asked.steering(),
        examples=asked.examples(),
    )
    hits = place.search(asked.query, options)
    return [_shown(hit, record, []) for hit in hits]


def _hybrid(place: Place, record: FieldRecord, asked: Searching) -> list[Json]:
    return _latents(place, record, asked, Hybrid())


SYSTEMS: Mapping[System, Callable[[Place, FieldRecord, Searching], list[Json]]] = {
    "bm25": _bm25,
    "latents": _latents,
    "hybrid": _hybrid,
}


def _shown(hit: Hit, record: FieldRecord, fragments: list[Pieces]) -> Json:
    """Return a hit; where nothing is marked yet its text's beginning stands."""
    text = joined(hit.source, [record.text_field])
    beginning = text[:BEGINNING] + " …" * (len(text) > BEGINNING)
    return {
        "id": hit.id,
        "score": hit.score,
        "title": title_of(hit.source, record),
        "fragments": fragments or [[(beginning, False)]],
    }


def explain_hits(place: Place, asked: Explaining) -> Json:
    """Return by id why documents are found; those that share no latent with the query have no key.

    Latents are heaviest first. Fragments are those of splare-os search --highlight; without places
    there are none.
    """
    hits = explained(place, asked)
    latents = {match.latent for hit in hits for match in hit.matches[:MOST_MATCHES]}
    labels = {name: label.label for name, label in place.labels(sorted(latents)).items()}
    return {
        "documents": {
            hit.id: {
                "n_matches": len(hit.matches),
                "matches": [_match(one, labels) for one in hit.matches[:MOST_MATCHES]],
                "fragments": fragments_of(hit) if asked.places else [],
                "has_places": any(one.document_span for one in hit.matches),
            }
            for hit in hits
        }
    }


def _match(match: Match, labels: Mapping[int, str]) -> Json:
    """Return a match as the page shows it."""
    kept = ("latent", "score", "share", "query_text", "document_text")
    return {name: getattr(match, name) for name in kept} | {"label": labels.get(match.latent)}


def explained(place: Place, asked: Explaining) -> list[Hit]:
    """Return documents of these ids that share a latent with the query, with what they share."""
    if not asked.ids:
        return []
    options = SearchOptions(
        size=len(asked.ids),
        explain=True,
        places=asked.places,
        filter=ids_query(asked.ids),
        steer=asked.steering(),
        examples=asked.examples(include=True),
    )
    return place.search(asked.query, options)
