"""Passages of an index for a query: what retrievers of any framework hand on."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opensearchpy import AsyncOpenSearch

from ..documents.fields import SUFFIX
from ..documents.paths import values_at
from ..errors import MappingError
from ..layout.records import read_records
from ..reply import require_whole, rows
from ..search.client.client import SplareOpenSearch
from ..search.fusion.hybrid import Hybrid, search_hybrid, words_query
from ..search.hits.hits import only_text_field
from ..search.query.query import Dsl, filtered


@dataclass(frozen=True)
class Passage:
    """A document found: its text, and all else of its `_source` but fields of impacts."""

    id: str
    score: float
    text: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Search:
    """Where passages are looked for: `index`, and the impacts of its text field `text_field`.

    None is the only text field with impacts. `filter` is query DSL. With `hybrid`, words are
    searched too, and both fused. The client sees to it that the index is of its model.
    """

    client: SplareOpenSearch
    index: str
    text_field: str | None = None
    filter: Dsl | None = None
    hybrid: Hybrid | None = None

    def passages(self, query: str, size: int) -> list[Passage]:
        """Return the `size` best passages, best first; scores are the cluster's, or fused."""
        field, page = self._field(), self._page(size)
        if self.hybrid is None:
            reply = self.client.search(index=self.index, body=self._body(field, query) | page)
            return self._found(reply, field)
        self.hybrid.check(size, two_step=False)
        words = {"query": filtered(self._words(field, query), self.filter)}
        bodies = [words, self._body(field, query)]
        found = search_hybrid(self.client, self.index, bodies, self.hybrid, {"from": 0, **page})
        return [_passage(hit, field) for hit in found]

    async def passages_later(
        self, client: AsyncOpenSearch | None, query: str, size: int
    ) -> list[Passage]:
        """Return what `passages` does: by the asynchronous client, or else in a thread.

        `client` is an `AsyncSplareOpenSearch`. What is fused is asked in a thread in any case.
        """
        if client is None or self.hybrid is not None:
            return await asyncio.to_thread(self.passages, query, size)
        field = await asyncio.to_thread(self._field)
        body = self._body(field, query) | self._page(size)
        reply = await client.search(index=self.index, body=body)
        return self._found(reply, field)

    def _found(self, reply: object, field: str) -> list[Passage]:
        """Return the passages of a reply of all shards."""
        require_whole(reply, self.index)
        return [_passage(hit, field) for hit in rows(reply, "hits", "hits")]

    def _field(self) -> str:
        return self.text_field or only_text_field(self.client, self.index)

    def _body(self, field: str, query: str) -> Dsl:
        return {"query": filtered({"splare": {field: query}}, self.filter)}

    def _words(self, field: str, query: str) -> Dsl:
        present = read_records(self.client, self.index).values()
        records = {record.text_field: record for each in present for record in each.values()}
        if field not in records:
            raise MappingError(
                f"index {self.index!r} has no impacts of {field!r}: it has those of "
                f"{', '.join(sorted(records)) or 'no field'}; name one that it has (text_field)"
            )
        assert self.hybrid is not None  # noqa: S101  # for the type checker
        return words_query(self.client, self.index, records[field], query, self.hybrid.fields)

    @staticmethod
    def _page(size: int) -> Dsl:
        if size < 1:
            raise ValueError(f"{size} passages: ask for at least one")
        return {"size": size, "_source": {"excludes": [f"*{SUFFIX}"]}}


def _passage(hit: Mapping[str, Any], field: str) -> Passage:
    source = hit["_source"]
    text = " ".join(value for value in values_at(source, field) if isinstance(value, str))
    return Passage(hit["_id"], hit["_score"], text, _without(source, field))


def _without(found: Any, path: str) -> Any:  # noqa: ANN401  # JSON
    """Return what is found but for what stands at a path, inside of objects, too."""
    if isinstance(found, list):
        return [_without(one, path) for one in found]
    if not isinstance(found, Mapping):
        return found
    return {
        name: _without(value, path[len(name) + 1 :]) if path.startswith(f"{name}.") else value
        for name, value in found.items()
        if name != path
    }
