"""A request on its way to the cluster: `splare` clauses become query DSL, impacts stay home."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress
from os import PathLike
from typing import Any, TypeAlias, get_args

from opensearchpy import OpenSearch

from ...encode.load import load_encoder
from ...encoder import Encoder
from ...errors import NoIndexError
from ...forks import SafeLock
from ...layout.records import FoundImpacts
from ...layout.view import Headers, View
from ...paths import StrPath
from ...scoring import Scoring, check_scoring
from ..clause.clause import Clause, Parsed
from ..clause.remembered import Remembered
from ..clause.stepped import told
from ..clause.target import Search, Target, index_of, is_template, parse_path
from ..clause.translation import Translation, Weighed
from ..explain.evidence import Sought
from ..highlight.annotate import Annotated, Wanted
from ..highlight.asked import Asked, part_asked
from ..query.clause_limit import ClauseLimit
from ..query.query import Dialect, Dsl
from ..request.body import plain
from ..request.filter_path import STATUS, shows
from ..request.msearch import parse_msearch, with_searches
from ..request.refused import REFUSALS, with_refusals
from ..request.rewritten import Expected, Finish, Rewritten, as_it_is
from ..steer.control import Control, moved_by
from ..steer.example_impacts import ExampleImpacts
from ..steer.profiles import Profiles
from ..weigh.check import Missing, ModelCheck
from ..weigh.collection import MAX_AGE_S, Collection
from ..weigh.queries import CACHE_BYTES, Queries, QueryEncoder
from ..weigh.weighing import Weighing, weighing
from .fields import without_impacts_in_fields
from .parts import document_without_impacts, without_impacts
from .unfused import fused, is_hybrid, refuse_untold
from .updates import UpdateCheck, is_update

NO_HITS: Dsl = {"query": {"match_none": {}}}
"""Asked of an index that is not there, whose answer is the server's own, or where we refuse."""

Bodies: TypeAlias = tuple[list[Dsl], list[Expected | None], Finish]
"""Bodies for the server, what is expected of their replies, and what finishes these."""


@dataclass(frozen=True)
class RewriteOptions:
    """How clauses are translated; `max_age_s` is that of the collection's statistics.

    `missing`: what is done with indices without impacts. `profiles` are those that clauses
    steer by. `query_cache_bytes`: how much is remembered of queries,
    and how much of their translations.
    """

    dialect: Dialect = "rank_feature"
    scoring: Scoring = "calibrated"
    max_age_s: float = MAX_AGE_S
    missing: Missing = "refuse"
    profiles: Profiles = field(default_factory=Profiles)
    query_cache_bytes: int = CACHE_BYTES

    def __post_init__(self) -> None:
        """Refuse what there is not."""
        check_scoring(self.scoring)
        if self.missing not in get_args(Missing):
            raise ValueError(f"missing_impacts={self.missing!r}: choose refuse or skip")


def is_rewritten(url: str, body: Any) -> bool:  # noqa: ANN401  # what a user hands in
    """Return whether a request or its reply has to be looked at: of queries, or a loss of impacts.

    That takes no time; the look itself may ask the cluster, and encode.
    """
    return _queried(url) is not None or is_update(url, body) or is_template(url)


def _queried(url: str) -> Target | None:
    """Return what a path names if the request's body holds queries."""
    target = parse_path(url)
    return None if target and target.has_more and target.endpoint != "_explain" else target


class Rewriter:
    """Rewrites requests for one client and one encoder, which is loaded when first needed."""

    def __init__(
        self, client: OpenSearch, encoder: Encoder | StrPath, options: RewriteOptions
    ) -> None:
        self._client, self._encoder, self._options = client, encoder, options
        self._lock = SafeLock()
        self._queries = QueryEncoder(lambda: self.encoder, options.query_cache_bytes)
        self._remembered = Remembered(options.query_cache_bytes)
        self._check = ModelCheck(client, options.missing)
        self._updates = UpdateCheck(client)
        self._collection = Collection(client, options.max_age_s)
        if not isinstance(encoder, str | PathLike):
            options.profiles.check(encoder)
        self._limit = ClauseLimit(client)

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded now if it was given by name."""
        with self._lock:
            if isinstance(self._encoder, str | PathLike):
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
        if not is_rewritten(url, body):
            return Rewritten(params, body)
        self._updates(url, body, headers or {})
        if (target := _queried(url)) is None:
            return Rewritten(params, body)
        view = View(headers=headers or {}).with_options(params or {})
        if target.endpoint == "_msearch":
            return self._msearch(target, params, body, view)
        content = asked = plain(body, getattr(self._client.transport, "serializer", None))
        if shows_documents := _shows_documents(target, params or {}):
            params, content = without_impacts(params, content)
        elif target.endpoint == "_explain":
            params = document_without_impacts(params)
        if not isinstance(content, Mapping):
            return Rewritten(params, content)
        searches = [Search(target, dict(content), view)]
        (made,), expected, finish = self._bodies(searches, params or {})
        finish = without_impacts_in_fields(finish, content if shows_documents else None)
        return Rewritten(params, body if made == asked else made, expected, finish)

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
                Target(index_of(header, target.index), "_search", has_more=False),
                without_impacts(None, search)[1],
                view.with_options(header),
            )
            for header, search in pairs
        ]
        bodies, expected, finish = self._served(searches, params or {})
        finish = without_impacts_in_fields(finish, [search.body for search in searches])
        return Rewritten(params, with_searches(body, bodies), expected, finish)

    def _served(self, searches: Sequence[Search], params: Mapping[str, Any]) -> Bodies:
        """Return what `_bodies` does, with an error for each search that it refuses."""
        try:
            return self._bodies(searches, params)
        except REFUSALS:
            if not shows(params, STATUS):  # answers that are left out have no place
                raise
        refused = {n: why for n, one in enumerate(searches) if (why := self._refusal(one, params))}
        kept = [
            replace(one, body=NO_HITS) if n in refused else one for n, one in enumerate(searches)
        ]
        bodies, expected, finish = self._bodies(kept, params)
        return bodies, expected, with_refusals(finish, refused, len(searches))

    def _refusal(self, search: Search, params: Mapping[str, Any]) -> Exception | None:
        try:
            self._bodies([search], params)
        except REFUSALS as error:
            return error
        return None

    def _bodies(self, searches: Sequence[Search], params: Mapping[str, Any]) -> Bodies:
        """Return bodies with every clause translated; all queries are encoded in one call."""
        parted = [part_asked(search, params) for search in searches]
        searches = [search for _, search in parted]
        parsed = [Parsed.of(search.body, scores=search.target.ranks) for search in searches]
        found = [self._weighed_if_there(*pair) for pair in zip(searches, parsed, strict=True)]
        texts = [clause.query for each in found for clause in each or ()]
        rows = self._queries(texts) if texts else {}
        translations = [each if each is None else self._translation(rows, each) for each in found]
        made = [
            (NO_HITS, None) if each is None else each.body(search, read)
            for search, read, each in zip(searches, parsed, translations, strict=True)
        ]
        expected = [_expected(*pair) for pair in zip(searches, found, strict=True)]
        wanted = [
            None if asked is None or each is None else (asked, _sought(asked, each))
            for (asked, _), each in zip(parted, translations, strict=True)
        ]
        finish = told(self._finish(searches, wanted), [plan for _, plan in made])
        has_clauses = [bool(each) for each in found]
        for search in compress(searches, has_clauses):
            refuse_untold(search.body, params)
        asked = [
            ours and is_hybrid(one.body) for one, ours in zip(searches, has_clauses, strict=True)
        ]
        return [body for body, _ in made], expected, fused(finish, asked)

    def _translation(
        self, rows: Mapping[str, Queries], found: Mapping[Clause, Weighed]
    ) -> Translation:
        return Translation(rows, found, self._options.dialect, self._limit, self._remembered)

    def _weighed_if_there(self, search: Search, parsed: Parsed) -> dict[Clause, Weighed] | None:
        """Return the clauses of a body, None where the index is not there: the server says so."""
        try:
            return self._weighed(search, parsed)
        except NoIndexError:
            return None

    def _weighed(self, search: Search, parsed: Parsed) -> dict[Clause, Weighed]:
        """Return the clauses of a body, and how each weighs in the indices that it searches."""
        found = dict(parsed.places)
        fields = sorted({clause.field for clause in found})
        places = {field: self._impacts(search, field) for field in fields}
        return {clause: self._weighing(search, clause, places[clause.field]) for clause in found}

    def _impacts(self, search: Search, field: str) -> FoundImpacts:
        target, view = search.target, search.view
        if not target.ranks:  # no hits will tell of an alias that has moved
            self.forget()
        return self._check(target.index, search.body, field, self.encoder, view)

    def _weighing(self, search: Search, clause: Clause, found: FoundImpacts) -> Weighed:
        headers = search.view.headers
        known = partial(self._collection.known, found.records, found.name, self.encoder, headers)
        scoring = clause.scoring or self._options.scoring
        weigh = weighing(found.records, scoring, known)
        indices = frozenset(found.records) | found.without
        control = self._control(search, clause, weigh)
        return Weighed(found.name, weigh, indices, found.records, control)

    def _control(self, search: Search, clause: Clause, weigh: Weighing) -> Control:
        steer = clause.steer
        if isinstance(steer, str):
            steer = self._options.profiles.named(steer, self.encoder)
        if not clause.examples:
            return Control(steer)

        def find(index: str | None) -> FoundImpacts:
            return self._impacts(search.within(index), clause.field)

        read = ExampleImpacts(self._client, self.encoder, find, search.view.headers)
        return Control(steer, moved_by(clause.examples, weigh, read))

    def _finish(self, searches: Sequence[Search], wanted: Wanted) -> Finish:
        if not any(wanted):
            return as_it_is
        headers = searches[0].view.headers
        return Annotated(self._client, self.encoder, headers, wanted)


def _shows_documents(target: Target, params: Mapping[str, Any]) -> bool:
    """Return whether a reply has hits to be read, and not to be copied."""
    return target.endpoint == "_search" and "scroll" not in params


def _sought(asked: Asked, translation: Translation) -> list[Sought]:
    """Return what the clauses that documents are found by look for."""
    sought = []
    for clause in asked.clauses:
        weighed, cut = translation.cut(clause)
        weights, k1 = cut * clause.boost, weighed.weighing.k1
        sought.append(Sought(clause, weighed.field, weighed.records, weights, k1))
    asked.check(sought)
    return sought


def _expected(search: Search, found: dict[Clause, Weighed] | None) -> Expected | None:
    """Return of which indices a search's hits are: of one of all, there may be any."""
    if found is None:
        return Expected(None)
    if not found or search.target.index is None:
        return None
    return Expected(frozenset().union(*(each.indices for each in found.values())))
