"""Searches watched on their way: what the log says of each, once its reply is there."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, TypeAlias

from .body import Pair, parse_msearch, plain
from .request import Request
from .rewritten import Rewritten
from .route import Route, route_of, text_of
from .search_log import Entry, SearchLogWriter
from .target import Target, index_of, parse_path

Answered: TypeAlias = tuple[Rewritten, Any]
"""What went out, and what the application gets."""


class SearchWatch:
    """Watches the searches of one client; those that we send for a search ourselves are part of it.

    Such are the second search of a rule, or a look at a point in time.
    """

    def __init__(self, writer: SearchLogWriter) -> None:
        self.writer = writer
        self._thread = threading.local()

    def watch(self, request: Request, answer: Callable[[Request], Answered]) -> Any:  # noqa: ANN401
        """Return the reply to a request, noted if it is a search that is drawn."""
        inner: list[Route] | None = getattr(self._thread, "inner", None)
        if inner is not None:  # within another
            made, reply = answer(request)
            inner.append(route_of(made.body))
            return reply
        self._thread.inner = inner = []
        begun = time.perf_counter()
        try:
            made, reply = answer(request)
        finally:
            del self._thread.inner
        whole_ms = round(1000 * (time.perf_counter() - begun), 3)
        target = parse_path(request.url)
        is_search = target is not None and target.endpoint in {"_search", "_msearch"}
        if target is None or not is_search or target.has_more:
            return reply
        if random.random() < self.writer.options.share:
            try:
                self._note(target, request, made, reply, {"whole_ms": whole_ms, "inner": inner})
            except Exception as error:  # noqa: BLE001  # a search must not fail for its log
                self.writer.drop(f"a search cannot be noted: {error!r}")
        return reply

    def _note(
        self,
        target: Target,
        request: Request,
        made: Rewritten,
        reply: Any,  # noqa: ANN401
        known: Entry,
    ) -> None:
        replies, body = [reply], _query_of(made)
        if target.endpoint == "_msearch":
            asked, sent = (parse_msearch(one) or [] for one in (request.body, body))
            replies = reply.get("responses", [])
        else:
            serializer, nothing = self.writer.client.transport.serializer, Entry()
            asked, sent = (
                [(nothing, plain(one, serializer))] for one in (request.body or body, body)
            )
        inner = known.pop("inner")
        known["arm"] = made.arm or self._arm(request)
        for pair, (_, translated), one in zip(asked, sent, replies, strict=False):
            if isinstance(one, Mapping) and "hits" in one:
                route = _joined(route_of(translated), inner)
                self.writer.add(self._entry(target, pair, one) | known | {"route": route})

    def _arm(self, request: Request) -> str | None:
        wanted, headers = self.writer.options.arm_header.lower(), request.headers or {}
        return next((value for name, value in headers.items() if name.lower() == wanted), None)

    def _entry(self, target: Target, asked: Pair, reply: Mapping[str, Any]) -> Entry:
        header, body = asked
        total = reply["hits"].get("total")
        n_hits = total.get("value") if isinstance(total, Mapping) else total
        is_zero = n_hits == 0 if n_hits is not None else not reply["hits"].get("hits")
        text = text_of(body)
        return {
            "@timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "index": index_of(header) or target.index or "_all",
            "query": None if text is None else self._told(text),
            "took_ms": reply.get("took"),
            "total": n_hits,
            "zero_hits": is_zero,
            "timed_out": bool(reply.get("timed_out")),
            "share": self.writer.options.share,
        }

    def _told(self, query: str) -> str:
        options = self.writer.options
        if options.keep_texts:
            return query
        return blake2b(query.encode(), digest_size=8, key=options.hash_key).hexdigest()


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
