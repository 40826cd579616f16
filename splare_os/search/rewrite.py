"""A request on its way to the cluster: `splare` clauses become query DSL, impacts stay home."""

import json
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from opensearchpy import OpenSearch

from ..encode.load import load_encoder
from ..encoder import Encoder
from ..impacts import Impacts
from ..layout.field import impacts_field
from ..layout.records import check_model
from .clause import NAME, Clause, replace_in_body
from .query import Dialect, Dsl, translate
from .source import PARAMETERS, exclude_impacts, exclude_impacts_by_parameter

ENDPOINTS: Mapping[str, bool] = {
    "_search": True,
    "_msearch": True,
    "_explain": True,
    "_count": False,
    "_delete_by_query": False,
    "_update_by_query": False,
}
"""Endpoints with a query in their body, and whether they rank by it or only select."""

CHECK_AGAIN_S = 30.0
"""How long a field's record is trusted before its mapping is read again."""


@dataclass(frozen=True)
class Target:
    """What a path names: `index` (None: all), the endpoint, and whether more follows it."""

    index: str | None
    endpoint: str
    has_more: bool


class Rewriter:
    """Rewrites requests for one client and one encoder, which is loaded when first needed."""

    def __init__(self, client: OpenSearch, encoder: Encoder | str, dialect: Dialect) -> None:
        self._client, self._encoder, self._dialect = client, encoder, dialect
        self._lock = threading.Lock()
        self._checked: dict[tuple[str | None, str], float] = {}

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded now if it was given by name."""
        with self._lock:
            if isinstance(self._encoder, str):
                self._encoder = load_encoder(self._encoder)
            return self._encoder

    def rewrite(
        self,
        url: str,
        params: Mapping[str, Any] | None,
        body: Any,  # noqa: ANN401  # what a user hands in
    ) -> tuple[Mapping[str, Any] | None, Any]:
        """Return parameters and body as the cluster is to see them; no search: unchanged."""
        target = parse_path(url)
        if target is None:
            return params, body
        if target.endpoint == "_msearch":
            return params, body if target.has_more else self._msearch(target, body)
        content = _loads(body)
        if target.endpoint == "_search":
            if target.has_more:
                return params, body
            params, content = _without_impacts(params, content)
        if not isinstance(content, Mapping):
            return params, content
        return params, self._bodies([(target, dict(content))])[0]

    def _indices_of(self, target: Target, body: Dsl) -> str | None:
        """Return the index a search is of; None is all. A point in time knows its own."""
        if target.index is not None or not isinstance(body.get("pit"), Mapping):
            return target.index
        aggs = {"indices": {"terms": {"field": "_index", "size": 1000}}}
        reply = self._client.search(body={"size": 0, "pit": body["pit"], "aggs": aggs})
        buckets = reply["aggregations"]["indices"]["buckets"]
        return ",".join(bucket["key"] for bucket in buckets) or None

    def _msearch(self, target: Target, body: Any) -> Any:  # noqa: ANN401
        lines = body.decode() if isinstance(body, bytes) else body
        if not isinstance(lines, str):
            return body
        parsed = [json.loads(line) for line in lines.split("\n") if line.strip()]
        headers, searches = parsed[::2], parsed[1::2]
        bodies = [
            (Target(_index_of(header) or target.index, "_search", has_more=False), search)
            for header, search in zip(headers, searches, strict=True)
        ]
        bodies = [(at, _without_impacts(None, search)[1]) for at, search in bodies]
        changed = self._bodies(bodies)
        pairs = zip(headers, changed, strict=True)
        return "".join(f"{json.dumps(header)}\n{json.dumps(search)}\n" for header, search in pairs)

    def _bodies(self, bodies: list[tuple[Target, Dsl]]) -> list[Dsl]:
        """Return the bodies with every clause translated; all queries are encoded in one call."""
        found: list[Clause] = []

        def note(clause: Clause) -> Dsl:
            found.append(clause)
            return {NAME: clause}

        for target, body in bodies:
            n_known = len(found)
            replace_in_body(body, note, scores=ENDPOINTS[target.endpoint])
            fields = {impacts_field(clause.field) for clause in found[n_known:]}
            for field in sorted(fields):
                self._check(self._indices_of(target, body), field)
        if not found:
            return [body for _, body in bodies]
        impacts = self._encode(clause.query for clause in found)

        def replace(clause: Clause) -> Dsl:
            return translate(
                impacts[clause.query],
                f"{impacts_field(clause.field)}.impacts",
                dialect=self._dialect,
                boost=clause.boost,
                min_score=clause.min_score,
            )

        return [
            replace_in_body(body, replace, scores=ENDPOINTS[target.endpoint])
            for target, body in bodies
        ]

    def _encode(self, queries: Iterable[str]) -> dict[str, Impacts]:
        texts = list(dict.fromkeys(queries))
        rows = self.encoder.encode_queries(texts)
        return {text: rows[[row]] for row, text in enumerate(texts)}

    def _check(self, index: str | None, field: str) -> None:
        now = time.monotonic()
        if now < self._checked.get((index, field), 0.0):
            return
        check_model(self._client, index, field, self.encoder)
        self._checked[index, field] = now + CHECK_AGAIN_S


def parse_path(url: str) -> Target | None:
    """Return what a request's path names, or None where no query can be.

    >>> parse_path("/books/_search")
    Target(index='books', endpoint='_search', has_more=False)
    """
    parts = [unquote(part) for part in url.partition("?")[0].strip("/").split("/")]
    index = None if parts[0].startswith("_") and parts[0] != "_all" else parts.pop(0)
    if not parts or parts[0] not in ENDPOINTS:
        return None
    return Target(index, parts[0], has_more=len(parts) > 1)


def _without_impacts(
    params: Mapping[str, Any] | None,
    body: Any,  # noqa: ANN401
) -> tuple[Mapping[str, Any] | None, Any]:
    params = params or {}
    if any(name in params for name in PARAMETERS):
        return exclude_impacts_by_parameter(params), body
    if not body and "source" in params:  # the body as a parameter: it passes as it is
        return params, body
    content = body or {}
    if not isinstance(content, Mapping):
        return params, body
    if "_source" not in content and ("stored_fields" in content or "stored_fields" in params):
        return params, body  # then the server sends no _source
    return params, {**content, "_source": exclude_impacts(content.get("_source"))}


def _index_of(header: Mapping[str, Any]) -> str | None:
    index = header.get("index")
    return ",".join(index) if isinstance(index, list) else index


def _loads(body: Any) -> Any:  # noqa: ANN401
    return json.loads(body) if isinstance(body, str | bytes) and body.strip() else body
