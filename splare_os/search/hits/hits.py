"""Search one index with one query: what `splare-os search` does, as a function."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from opensearchpy import NotFoundError, OpenSearch, RequestError

from ...documents.fields import Fields
from ...documents.places import places
from ...encoder import Encoder
from ...errors import MappingError
from ...impacts import Impacts
from ...layout.records import FoundImpacts, find_impacts, read_records
from ...reply import part, require_whole, rows
from ...scoring import Scoring, check_scoring
from ...steering import Steering
from ..explain.explain import Match, explain, matches_of_all
from ..explain.found import Found, found
from ..explain.html import hit_html
from ..fusion.hybrid import Hybrid, RawHit, search_hybrid, words_query
from ..query.clause_limit import ClauseLimit
from ..query.cut import NO_CUT
from ..query.query import Dsl, filtered, translate
from ..query.steps import Steps, plan
from ..rewrite.source import exclude_impacts, picked
from ..steer.control import Control, moved_by
from ..steer.example_impacts import ExampleImpacts
from ..steer.examples import Examples
from ..weigh.collection import Collection
from ..weigh.queries import encoded
from ..weigh.weighing import Weighing, weighing

NARROW = re.compile(r"index\.max_(result|rescore)_window")
"""In a refusal: settings of how many hits are served, or scored anew, at once."""


@dataclass(frozen=True)
class SearchOptions:
    """`text_field`: which field's impacts; None is the only one that the index has.

    `start` hits are passed over. Only documents that match `filter` are found. `fields`: what of
    `_source` hits have (patterns); empty: all. `hybrid`: words are searched too, and fused.
    `explain`: hits tell what they share with the query, and with `places` where in their texts,
    which are encoded for that. `impacts_field`: which of the text's impacts, if the model has made
    several.
    """

    text_field: str | None = None
    size: int = 10
    two_step: bool = False
    explain: bool = False
    scoring: Scoring = "calibrated"
    start: int = 0
    filter: Dsl | None = None
    fields: tuple[str, ...] = ()
    hybrid: Hybrid | None = None
    steer: Steering | None = None
    examples: Examples = Examples()
    places: bool = True
    impacts_field: str | None = None

    def __post_init__(self) -> None:
        """Refuse to fetch no hits, a scoring that there is not, and what does not go together."""
        if self.size < 1:
            raise ValueError(f"size={self.size}: ask for at least one hit")
        if self.start < 0:
            raise ValueError(f"start={self.start}: hits are counted from 0")
        check_scoring(self.scoring)
        if self.hybrid is not None:
            self.hybrid.check(self.start + self.size, two_step=self.two_step)


@dataclass(frozen=True)
class Hit:
    """One document found; `matches` only where an explanation was asked for.

    `text` is then what was encoded of it, in which the spans of matches count characters. `texts`
    are those of the encoded fields, title first, as far as `source` has them. `index` is the one
    that has it, which an alias or a pattern does not tell.
    """

    id: str
    score: float
    source: Mapping[str, Any]
    matches: list[Match] = field(default_factory=list)
    text: str = ""
    texts: tuple[str, ...] = ()
    index: str = ""

    def _repr_html_(self) -> str:
        """Return the hit for a notebook, with what matched."""
        return hit_html(self.id, self.score, self.matches)


def search(
    client: OpenSearch,
    encoder: Encoder,
    index: str,
    query: str,
    options: SearchOptions,
    *,
    collection: Collection | None = None,
) -> list[Hit]:
    """Return the best hits of `query`, best first.

    `client` may be any OpenSearch client. A `collection` of it remembers statistics from one search
    to the next; without one they are read anew. Raises `MappingError` for an index without impacts,
    `ModelMismatchError` for one made by another model.
    """
    there = find_impacts(client, index, _fields(client, index, options), encoder)
    known = (collection or Collection(client)).known
    statistics = partial(known, there.records, there.name, encoder)
    weigh = weighing(there.records, options.scoring, statistics)
    control = _control(client, encoder, there, weigh, options)
    weights = control.weights(weigh, encoded(encoder, [query]))
    weights = ClauseLimit(client).cut(NO_CUT, weights).of(weights)
    latents = _body(weights, f"{there.name}.impacts", options, weigh)
    bodies = [*_words(client, index, there, query, options), latents]
    bodies = [body | {"query": control.query(body["query"])} for body in bodies]
    replied = _found(client, index, bodies, options, _page(there.name, options))
    hits = [_hit(hit, there, options.fields) for hit in replied]
    if not options.explain:
        return hits
    documents = [(hit["_source"], there.records[hit["_index"]]) for hit in replied]
    read = found(encoder, there.name, documents)
    shared = [explain(weights, one.impacts, k1=weigh.k1) for one in read]
    texts = _encoded_texts(read) if options.places else [None] * len(read)
    explained = zip(hits, read, matches_of_all(encoder, query, texts, shared), strict=True)
    return [replace(hit, matches=matches, text=one.text) for hit, one, matches in explained]


def _fields(client: OpenSearch, index: str, options: SearchOptions) -> Fields:
    text_field = options.text_field or only_text_field(client, index)
    return Fields(text_field, None, impacts=options.impacts_field)


def _encoded_texts(read: Sequence[Found]) -> list[str | None]:
    """Return the texts that impacts were made of; none where it has changed since."""
    return [one.text if one.is_current else None for one in read]


def _control(
    client: OpenSearch,
    encoder: Encoder,
    there: FoundImpacts,
    weigh: Weighing,
    options: SearchOptions,
) -> Control:
    text_field = next(iter(there.records.values())).text_field

    def find(index: str | None) -> FoundImpacts:
        if index is None:
            return there
        return find_impacts(client, index, Fields(text_field, None), encoder)

    read = ExampleImpacts(client, encoder, find, {})
    return Control(options.steer, moved_by(options.examples, weigh, read))


def only_text_field(client: OpenSearch, index: str) -> str:
    """Return the text field that has impacts; `MappingError` if that is none, or several."""
    records = read_records(client, index).values()
    fields = sorted({record.text_field for each in records for record in each.values()})
    if len(fields) != 1:
        remedy = f"make them: `splare-os backfill --index {index} --text-field FIELD`"
        raise MappingError(
            f"index {index!r} has impacts for {', '.join(fields) or 'no field'}: "
            + ("name one (--text-field)" if fields else remedy)
        )
    return fields[0]


def _body(weights: Impacts, field: str, options: SearchOptions, weigh: Weighing) -> Dsl:
    if options.two_step:
        hybrid = options.hybrid
        deepest = options.start + options.size if hybrid is None else hybrid.fusion.depth
        steps = Steps(max(Steps.window, deepest))
        body = plan(weights, steps, weigh.shares, weigh.documents).body(field, k1=weigh.k1)
    else:
        body = {"query": translate(weights, field, k1=weigh.k1)}
    return body | {"query": filtered(body["query"], options.filter)}


def _words(
    client: OpenSearch, index: str, there: FoundImpacts, query: str, options: SearchOptions
) -> list[Dsl]:
    """Return the search for words that joins in, if one does."""
    if options.hybrid is None:
        return []
    record = next(iter(there.records.values()))
    words = words_query(client, index, record, query, options.hybrid.fields)
    return [{"query": filtered(words, options.filter)}]


def _page(field: str, options: SearchOptions) -> Dsl:
    """Return which hits are wanted, and what of them."""
    wanted: Any = [f"{field}.impacts", "*"] if options.explain else list(options.fields) or {}
    page = {"from": options.start, "size": options.size}
    return page | {"_source": exclude_impacts(wanted)}


def _found(
    client: OpenSearch, index: str, bodies: Sequence[Dsl], options: SearchOptions, page: Dsl
) -> list[RawHit]:
    """Return the hits of a search, or of a search for words and one for latents fused."""
    try:
        if options.hybrid is not None:
            return search_hybrid(client, index, bodies, options.hybrid, page)
        (body,) = bodies
        reply = client.search(index=index, body=body | page)
        require_whole(reply, index)
        return rows(reply, "hits", "hits")
    except NotFoundError as error:
        raise MappingError(f"no index {index!r} any more: it was deleted meanwhile") from error
    except RequestError as error:
        if NARROW.search(str(error)) and (options.hybrid or options.two_step):
            raise MappingError(
                f"index {index!r} serves fewer hits at once than two steps or a hybrid take: "
                f"{error}. Search without two steps, give the fusion a smaller `depth`, or raise "
                "that setting"
            ) from error
        raise


def _hit(hit: Mapping[str, Any], there: FoundImpacts, fields: Sequence[str]) -> Hit:
    source = dict(part(hit, "_source", kind=dict))
    if there.name in source:
        ours = source[there.name]
        source[there.name] = {key: part for key, part in ours.items() if key != "impacts"}
    source = picked(source, fields) if fields else source
    encoded_of = there.records[hit["_index"]].document_fields
    texts = tuple(place.value for place in places(source, encoded_of))
    return Hit(hit["_id"], hit["_score"], source, texts=texts, index=hit["_index"])
