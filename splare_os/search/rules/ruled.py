"""A rewriter that has rules for an application's own searches; all else passes as it is."""

import json
import logging
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from opensearchpy import OpenSearch, TransportError
from opensearchpy.exceptions import OpenSearchWarning

from ...encoder import Encoder
from ...errors import MappingError
from ...layout.records import TRUSTED_S
from ...layout.view import Headers
from ...paths import StrPath
from ...reply import require_whole, rows
from ..clause.target import Target, is_template, parse_path
from ..query.query import Dsl
from ..request.body import plain
from ..request.msearch import parse_msearch
from ..request.page import page_of
from ..request.refused import is_error
from ..request.rewritten import Expected, Rewritten
from ..rewrite.rewrite import RewriteOptions, Rewriter
from ..weigh.check import credentials
from .arms import arm_of
from .asking import Asking, asking_of
from .rule import Rule, Rules
from .safety import why_not
from .scored import asked_text, splare_part
from .searched import Searched, SearchLog
from .second import SecondBody, joined, second_search
from .several import or_refused, together
from .tidy import without_our_fields

log = logging.getLogger(__name__)

REFUSED = (400, 500)
"""Status of a search that a server does not take: too many clauses, too large a window, …"""

NO_INDEX = Expected(None)

Finish: TypeAlias = Callable[[Any], Any]


class RuledRewriter(Rewriter):
    """Rewrites what rules say, and `splare` clauses as ever; other searches keep their bytes."""

    def __init__(
        self, client: OpenSearch, encoder: Encoder | StrPath, options: RewriteOptions, rules: Rules
    ) -> None:
        super().__init__(client, encoder, options)
        self._rules, self._write = rules, SearchLog(rules.log)
        self._resting: dict[tuple[str, str | None, str], float] = {}

    def rewrite(
        self,
        url: str,
        params: Mapping[str, Any] | None,
        body: Any,  # noqa: ANN401  # what a user hands in
        headers: Headers | None = None,
    ) -> Rewritten:
        """Return parameters and body as the cluster is to see them."""
        target = parse_path(url)
        if target is None:
            return super().rewrite(url, params, body, headers)
        if isinstance(body, SecondBody):
            return Rewritten(params, body)
        if target.endpoint == "_msearch":
            return self._several(target, params, body, headers or {})
        content = plain(body, self._client.transport.serializer)
        asking = Asking(url, target.index, params, content, headers or {})
        if is_template(url):
            return replace(self._template(asking) or Rewritten(params, None), body=body)
        if target.has_more or target.endpoint != "_search":
            made = super().rewrite(url, params, body, headers)
            is_known = target.endpoint == "_explain" and self._rules.covering(target.index)
            return self._tidied(asking, made) if is_known else made
        return self._one(asking) or Rewritten(params, body)

    def _several(
        self,
        target: Target,
        params: Mapping[str, Any] | None,
        body: Any,  # noqa: ANN401
        headers: Headers,
    ) -> Rewritten:
        pairs = parse_msearch(body)
        if pairs is None:
            return Rewritten(params, body)
        one = self._template if target.has_more else self._one
        made = [
            or_refused(one, asking_of(target.index, params, header, search, headers))
            for header, search in pairs
        ]
        return together(params, body, made) if any(made) else Rewritten(params, body)

    def _template(self, asking: Asking) -> Rewritten | None:
        """Return a search by a template, which keeps its bytes, with a reply that is tidied."""
        is_covered = bool(self._rules.covering(asking.index))
        if not is_covered or asking.names_our_fields or "scroll" in (asking.params or {}):
            return None
        return _finished(Rewritten(asking.params, None), without_our_fields)

    def _one(self, asking: Asking) -> Rewritten | None:
        """Return a search as it is to go out; None: byte for byte."""
        rules = self._rules.covering(asking.index)
        if not rules and not asking.has_clause:
            return None
        unchanged = self._plainly(asking, asking.body)
        if asking.has_clause or "scroll" in (asking.params or {}):  # a copy has to be whole
            return unchanged
        if not asking.names_our_fields:
            unchanged = _finished(unchanged, without_our_fields)
        query = asking.body.get("query") if isinstance(asking.body, Mapping) else None
        for rule in rules:
            if part := splare_part(query, rule):
                return self._by_rule(rule, part, asking, unchanged)
        return unchanged

    def _by_rule(self, rule: Rule, part: Dsl, asking: Asking, unchanged: Rewritten) -> Rewritten:
        why = why_not(asking.body, asking.params or {}, rule.mode)
        arm = None if why else arm_of(rule, asking.headers)
        first, _ = page_of(asking.body, asking.params or {}) or (0, 0)
        text = asked_text(asking.body["query"], rule)
        searched = Searched(rule, asking.index, text, first, arm, why, asking.shows_ids)
        if arm == "treatment":
            return self._treated(searched, part, asking, unchanged)
        return self._logged(unchanged, searched)

    def _treated(
        self, searched: Searched, part: Dsl, asking: Asking, unchanged: Rewritten
    ) -> Rewritten:
        """Return a search with SPLARE, or without it where that fails and the rule says so."""
        rule = searched.rule
        change = self._fused if rule.mode == "hybrid" else self._rescored
        if rule.on_failure == "raise":
            return self._logged(change(rule, part, asking), searched)
        key = rule.name, asking.index, credentials(asking.headers)
        if time.monotonic() < self._resting.get(key, 0.0):
            return self._logged(unchanged, replace(searched, why="it failed a moment ago"))

        def instead(why: str) -> Rewritten:
            def failed(reply: Any) -> Any:  # noqa: ANN401  # without SPLARE it is taken
                self._fail(key, why)
                return reply

            return self._logged(_finished(unchanged, failed), replace(searched, why=why))

        def otherwise(refusal: object) -> Rewritten | None:
            why = _refused(refusal)
            return None if why is None else instead(why)

        try:
            return replace(self._logged(change(rule, part, asking), searched), otherwise=otherwise)
        except Exception as error:  # noqa: BLE001  # whatever ails SPLARE, the search goes on
            if (why := _refused(error)) is not None:  # maybe for what the application asks
                return instead(why)
            self._fail(key, error)
            return self._logged(unchanged, replace(searched, why=_reason(error)))

    def _rescored(self, rule: Rule, part: Dsl, asking: Asking) -> Rewritten:
        query = {"rescore_query": part, "rescore_query_weight": rule.weight}
        rescore = {"window_size": rule.window, "query": query}
        made = self._plainly(asking, {**asking.body, "rescore": rescore})
        if NO_INDEX in made.expected:  # the server says so, in its own way
            made = self._plainly(asking, asking.body)
        return self._tidied(asking, made)

    def _fused(self, rule: Rule, _: Dsl, asking: Asking) -> Rewritten:
        page = page_of(asking.body, asking.params or {}) or (0, 0)
        join = joined(self._second(second_search(asking, rule)), rule, page)
        deep = {**asking.body, "from": 0, "size": max(rule.window, sum(page))}
        theirs = self._plainly(replace(asking, params=asking.without_page), deep)
        return self._tidied(asking, _finished(theirs, join))

    def _second(self, asking: Asking) -> Mapping[str, Any]:
        """Return the reply to a search of our own."""
        made = self._plainly(asking, asking.body)
        reply: Any = self._client.transport.perform_request(
            *("POST", asking.url, made.params, SecondBody(made.body)),
            headers=dict(asking.headers),
        )
        if not made.fits(reply):
            self.forget()
            raise MappingError(f"index {asking.index!r} stands for others meanwhile: ask again")
        require_whole(reply, asking.index or "_all")
        rows(reply, "hits", "hits")
        return made.finish(reply)  # type: ignore[no-any-return]

    def _plainly(self, asking: Asking, body: Any) -> Rewritten:  # noqa: ANN401
        """Return a search whose clauses are rewritten, without regard to rules."""
        return super().rewrite(asking.url, asking.params, body, asking.headers)

    def _tidied(self, asking: Asking, made: Rewritten) -> Rewritten:
        return made if asking.names_our_fields else _finished(made, without_our_fields)

    def _logged(self, made: Rewritten, searched: Searched) -> Rewritten:
        def write(reply: Any) -> Any:  # noqa: ANN401
            self._write(searched, reply)
            return reply

        return replace(_finished(made, write), arm=searched.arm)

    def _fail(self, key: tuple[str, str | None, str], why: object) -> None:
        """Tell of a failure, and spare the next searches the same for a while."""
        rule, index, _ = key
        now = time.monotonic()
        if not isinstance(why, ValueError):  # else it lies in the one text
            left = {one: until for one, until in self._resting.items() if now < until}
            self._resting = left | {key: now + TRUSTED_S}
        said = f"rule {rule!r}: index {index!r} is searched without SPLARE: {why}"
        log.warning("%s", said)
        warnings.warn(said, OpenSearchWarning, stacklevel=2)


def _finished(made: Rewritten, finish: Finish) -> Rewritten:
    """Return a request whose reply goes through `finish` at last, unless it tells an error."""
    before = made.finish

    def both(reply: Any) -> Any:  # noqa: ANN401
        done = before(reply)
        return finish(done) if isinstance(done, Mapping) and not is_error(done) else done

    return replace(made, finish=both)


def _refused(refusal: object) -> str | None:
    """Return why a server did not take a search; None: it did, or could not be asked."""
    if isinstance(refusal, TransportError):
        return _reason(refusal) if refusal.status_code in REFUSED else None
    if not isinstance(refusal, Mapping) or not is_error(refusal):
        return None
    return json.dumps(refusal.get("error", refusal))[:300]


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
