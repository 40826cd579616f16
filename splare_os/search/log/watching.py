"""Searches watched on their way: what the log says of each, once its reply is there."""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from ..clause.target import Target, index_of, parse_path
from ..request.body import plain
from ..request.filter_path import shows
from ..request.msearch import Pair, parse_msearch, replies_in
from ..request.page import page_of
from ..request.refused import is_error
from ..request.request import Request
from ..request.rewritten import Rewritten
from .route import Route, route_of, text_of
from .search_log import Entry, SearchLogWriter


@dataclass
class Watched:
    """One request that is watched: those of ours that were sent for it, and how long it took."""

    begun: float
    outer: "Watched | None" = None
    inner: list[Route] = field(default_factory=list)
    whole_ms: float = 0.0


WATCHED: "ContextVar[tuple[SearchWatch, Watched] | None]" = ContextVar("watched", default=None)
"""Who watches which request, in this thread or task, and in the threads that work for it."""


class SearchWatch:
    """Watches the searches of one client; those that we send for a search ourselves are part of it.

    Such are the second search of a rule, or a look at a point in time.
    """

    def __init__(self, writer: SearchLogWriter) -> None:
        self.writer = writer

    @contextmanager
    def watching(self) -> Iterator[Watched]:
        """Yield what a request is watched by, while it is answered; `note` comes after that."""
        before = WATCHED.get()
        outer = before[1] if before is not None and before[0] is self else None
        watched = Watched(time.perf_counter(), outer)
        token = WATCHED.set((self, watched))
        try:
            yield watched
        finally:
            WATCHED.reset(token)
        watched.whole_ms = round(1000 * (time.perf_counter() - watched.begun), 3)

    def note(self, watched: Watched, request: Request, made: Rewritten, reply: Any) -> None:  # noqa: ANN401
        """Note what was sent for a request, and its reply, if it is a search that is drawn."""
        if watched.outer is not None:
            watched.outer.inner.append(route_of(made.body))
            return
        target = parse_path(request.url)
        is_search = target is not None and target.endpoint in {"_search", "_msearch"}
        if target is None or not is_search or target.has_more:
            return
        if random.random() < self.writer.options.share:
            known = {"whole_ms": watched.whole_ms, "inner": watched.inner}
            try:
                self._note(target, request, made, reply, known)
            except Exception as error:  # noqa: BLE001  # a search must not fail for its log
                self.writer.drop(f"a search cannot be noted: {error!r}")

    def _note(
        self,
        target: Target,
        request: Request,
        made: Rewritten,
        reply: Any,  # noqa: ANN401
        known: Entry,
    ) -> None:
        replies, body = replies_in(reply), _query_of(made)
        if target.endpoint == "_msearch":
            asked, sent = (parse_msearch(one) or [] for one in (request.body, body))
        else:
            serializer, nothing = self.writer.client.transport.serializer, Entry()
            asked, sent = (
                [(nothing, plain(one, serializer))] for one in (request.body or body, body)
            )
        if target.endpoint == "_msearch" and len(replies) != len(asked):
            self.writer.drop(
                "an _msearch is not answered one by one: filter_path leaves answers out"
            )
            return
        inner = known.pop("inner")
        known["arm"] = made.arm or self._arm(request)
        for pair, (_, translated), one in zip(asked, sent, replies, strict=False):
            if isinstance(one, Mapping) and not is_error(one):
                entry = self._entry(target, pair, one) | {
                    "zero_hits": _is_zero(target, request.params, pair, one)
                }
                self.writer.add(entry | known | {"route": _joined(route_of(translated), inner)})

    def _arm(self, request: Request) -> str | None:
        wanted, headers = self.writer.options.arm_header.lower(), request.headers or {}
        return next((value for name, value in headers.items() if name.lower() == wanted), None)

    def _entry(self, target: Target, asked: Pair, reply: Mapping[str, Any]) -> Entry:
        header, body = asked
        text = text_of(body)
        return {
            "@timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "index": index_of(header, target.index) or "_all",
            "query": None if text is None else self._told(text),
            "took_ms": reply.get("took"),
            "total": _total(reply),
            "timed_out": bool(reply.get("timed_out")),
            "share": self.writer.options.share,
        }

    def _told(self, query: str) -> str:
        options = self.writer.options
        if options.keep_texts:
            return query
        return blake2b(query.encode(), digest_size=8, key=options.hash_key).hexdigest()


def _total(reply: Mapping[str, Any]) -> int | None:
    total = reply.get("hits", {}).get("total")
    found: int | None = total.get("value") if isinstance(total, Mapping) else total
    return found


def _is_zero(
    target: Target, params: Mapping[str, Any] | None, asked: Pair, reply: Mapping[str, Any]
) -> bool | None:
    """Return whether a search has found nothing; None: its reply does not tell."""
    if (total := _total(reply)) is not None:
        return total == 0
    if reply.get("hits", {}).get("hits"):
        return False
    above = "responses." if target.endpoint == "_msearch" else ""
    first, size = page_of(asked[1] if isinstance(asked[1], Mapping) else {}, params or {}) or (0, 0)
    is_told = first == 0 < size and shows(params, f"{above}hits.hits._id")
    return True if is_told else None


def _joined(route: Route, inner: list[Route]) -> Route:
    """Return the route of a search for which others were sent: a rule joins words and latents.

    >>> _joined("bm25", ["splare"]), _joined("splare", ["other"])
    ('hybrid', 'splare')
    """
    return "hybrid" if route == "bm25" and {"splare", "hybrid"} & set(inner) else route


def _query_of(made: Rewritten) -> Any:  # noqa: ANN401
    """Return the body of a request; a query that stands in the address is a body too."""
    if not made.body and (query := (made.params or {}).get("q")):
        text = query.decode() if isinstance(query, bytes) else str(query)
        return {"query": {"query_string": {"query": text}}}
    return made.body
