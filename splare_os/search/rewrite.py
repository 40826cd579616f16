"""A request on its way to the cluster: `splare` clauses become query DSL, impacts stay home."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args
from urllib.parse import parse_qsl

from opensearchpy import OpenSearch

from ..encode.load import load_encoder
from ..encoder import Encoder
from ..errors import NoIndexError
from ..layout.records import FoundImpacts
from ..layout.view import Headers, View
from ..scoring import Scoring, check_scoring
from .body import parse_msearch, plain, write_msearch
from .check import Missing, ModelCheck
from .clause import NAME, Clause, Replace, replace_in_body
from .clause_limit import ClauseLimit
from .collection import MAX_AGE_S, Collection
from .parts import without_impacts
from .query import Dialect, Dsl, translate
from .rewritten import Expected, Rewritten
from .target import Search, Target, index_of, parse_path
from .updates import UpdateCheck
from .weighing import Queries, Weighing, encoded, weighing

NO_INDEX: Dsl = {"query": {"match_none": {}}}
"""Asked of an index that is not there, so that the answer is the server's own."""


@dataclass(frozen=True)
class Weighed:
    """The impacts field that a clause searches, how it weighs there, and the concrete indices."""

    field: str
    weighing: Weighing
    indices: frozenset[str]


@dataclass(frozen=True)
class RewriteOptions:
    """How clauses are translated; `max_age_s` is that of the collection's statistics.

    `missing`: what is done with indices without impacts.
    """

    dialect: Dialect = "rank_feature"
    scoring: Scoring = "calibrated"
    max_age_s: float = MAX_AGE_S
    missing: Missing = "refuse"

    def __post_init__(self) -> None:
        """Refuse what there is not."""
        check_scoring(self.scoring)
        if self.missing not in get_args(Missing):
            raise ValueError(f"missing_impacts={self.missing!r}: choose refuse or skip")


class Rewriter:
    """Rewrites requests for one client and one encoder, which is loaded when first needed."""

    def __init__(self, client: OpenSearch, encoder: Encoder | str, options: RewriteOptions) -> None:
        self._client, self._encoder, self._options = client, encoder, options
        self._lock = threading.Lock()
        self._check = ModelCheck(client, options.missing)
        self._updates = UpdateCheck(client)
        self._collection = Collection(client, options.max_age_s)
        self._limit = ClauseLimit(client)

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded now if it was given by name."""
        with self._lock:
            if isinstance(self._encoder, str):
                self._encoder = load_encoder(self._encoder)
            return self._encoder

    def forget(self) -> None:
        """Ask anew what indices hold: names stand for others now."""
        self._check.forget()

    def rewrite(
        self,
        url: str,
        params: Mapping[str, Any] | None,
        body: Any,  # noqa: ANN401  # what a user hands in
        headers: Headers | None = None,
    ) -> Rewritten:
        """Return parameters and body as the cluster is to see them; no search: unchanged."""
        self._updates(url, body, headers or {})
        target = parse_path(url)
        if target is None or (target.has_more and target.endpoint != "_explain"):
            return Rewritten(params, body)
        in_url = dict(parse_qsl(url.partition("?")[2]))
        view = View(headers=headers or {}).with_options({**in_url, **(params or {})})
        if target.endpoint == "_msearch":
            return self._msearch(target, params, body, view)
        content = plain(body, self._client.transport.serializer)
        if target.endpoint == "_search" and "scroll" not in {**in_url, **(params or {})}:
            params, content = without_impacts(params, content)
        if not isinstance(content, Mapping):
            return Rewritten(params, content)
        (made,), expected = self._bodies([Search(target, dict(content), view)])
        return Rewritten(params, made, expected)

    def _msearch(
        self,
        target: Target,
        params: Mapping[str, Any] | None,
        body: Any,  # noqa: ANN401
        view: View,
    ) -> Rewritten:
        pairs = parse_msearch(body)
        if pairs is None:
            return Rewritten(params, body)
        searches = [
            Search(
                Target(index_of(header) or target.index, "_search", has_more=False),
                without_impacts(None, search)[1],
                view.with_options(header),
            )
            for header, search in pairs
        ]
        bodies, expected = self._bodies(searches)
        written = write_msearch([(pair[0], made) for pair, made in zip(pairs, bodies, strict=True)])
        return Rewritten(params, written, expected)

    def _bodies(self, searches: list[Search]) -> tuple[list[Dsl], list[Expected | None]]:
        """Return bodies with every clause translated, and what is expected of their replies.

        All queries are encoded in one call.
        """
        found = [self._weighed_if_there(search) for search in searches]
        texts = list(dict.fromkeys(clause.query for each in found for clause in each or ()))
        queries = encoded(self.encoder, texts) if texts else None
        rows = {text: queries.row(n) for n, text in enumerate(texts)} if queries else {}
        bodies = [
            NO_INDEX if each is None else _replaced(search, partial(self._translated, rows, each))
            for search, each in zip(searches, found, strict=True)
        ]
        return bodies, [_expected(*pair) for pair in zip(searches, found, strict=True)]

    def _weighed_if_there(self, search: Search) -> dict[Clause, Weighed] | None:
        """Return the clauses of a body, None where the index is not there: the server says so."""
        try:
            return self._weighed(search)
        except NoIndexError:
            return None

    def _weighed(self, search: Search) -> dict[Clause, Weighed]:
        """Return the clauses of a body, and how each weighs in the indices that it searches."""
        found: dict[Clause, None] = {}

        def note(clause: Clause) -> Dsl:
            found[clause] = None
            return {NAME: clause}

        _replaced(search, note)
        fields = sorted({clause.field for clause in found})
        places = {field: self._impacts(search, field) for field in fields}
        return {clause: self._weighing(search, clause, places[clause.field]) for clause in found}

    def _impacts(self, search: Search, field: str) -> FoundImpacts:
        target, view = search.target, search.view
        return self._check(target.index, search.body, field, self.encoder, view)

    def _weighing(self, search: Search, clause: Clause, found: FoundImpacts) -> Weighed:
        headers = search.view.headers
        idf = partial(self._collection.idf, found.records, found.name, self.encoder, headers)
        scoring = clause.scoring or self._options.scoring
        weigh = weighing(found.records, scoring, idf)
        return Weighed(found.name, weigh, frozenset(found.records) | found.without)

    def _translated(
        self, rows: Mapping[str, Queries], found: Mapping[Clause, Weighed], clause: Clause
    ) -> Dsl:
        weigh = found[clause].weighing
        weights = weigh.weights(rows[clause.query])
        return translate(
            weights,
            f"{found[clause].field}.impacts",
            dialect=self._options.dialect,
            boost=clause.boost,
            min_score=clause.min_score,
            k1=weigh.k1,
            cut=self._limit.cut(clause.cut, weights),
            name=clause.name,
        )


def _expected(search: Search, found: dict[Clause, Weighed] | None) -> Expected | None:
    """Return of which indices a search's hits are: of one of all, there may be any."""
    if found is None:
        return Expected(None)
    if not found or search.target.index is None:
        return None
    return Expected(frozenset().union(*(each.indices for each in found.values())))


def _replaced(search: Search, replace: Replace) -> Dsl:
    return replace_in_body(search.body, replace, scores=search.target.ranks)
