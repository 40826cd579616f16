"""An encoder that the threads of a server share: one asks at a time, and much is remembered."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TypeAlias

from ..encoder import Encoder, GivesSomeSpans, GivesWholeQueries, Spans, own_prior, own_top_k
from ..impacts import Impacts, empty, stack
from ..statistics import Statistics

MOST_SPANNED = 20_000
"""Characters of a text that is asked for spans: some seconds of a CPU. A longer one has none."""

REMEMBERED = 500
"""Texts whose spans are kept, and whose impacts where the index holds none (it is compact).

So a query may be steered without encoding its hits again.
"""

REMEMBERED_QUERIES = 100
"""Queries whose impacts are kept: each is searched several times, and steered."""


Key: TypeAlias = tuple[str, bool]
"""A text, and whether it is a query."""


@dataclass(frozen=True)
class Known:
    """Spans of a text's latents: of those in `latents`, or of all if that is None."""

    spans: Spans
    latents: frozenset[int] | None

    def lacks(self, latents: Collection[int]) -> bool:
        """Tell whether one of these was not asked for."""
        return self.latents is not None and not self.latents.issuperset(latents)


class InTurns:
    """Does what an encoder does, for one thread at a time.

    Texts of more than `MOST_SPANNED` characters have no spans. What an encoder may give besides,
    and the one at hand does not, is such that nothing changes: no prior, nothing cut.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self._lock = encoder, Lock()
        self._spans: OrderedDict[Key, Known] = OrderedDict()
        self._queries: OrderedDict[str, Impacts] = OrderedDict()
        self._documents: OrderedDict[str, Impacts] = OrderedDict()

    @property
    def name(self) -> str:
        """The model's name."""
        return self._encoder.name

    @property
    def fingerprint(self) -> str:
        """The model's mark."""
        return self._encoder.fingerprint

    @property
    def n_latents(self) -> int:
        """Number of latents."""
        return self._encoder.n_latents

    @property
    def document_top_k(self) -> int | None:
        """Most impacts that a document has; None if that is not known."""
        return own_top_k(self._encoder)

    @property
    def query_top_k(self) -> int:
        """Most impacts of a query that score."""
        one = self._encoder
        return one.query_top_k if isinstance(one, GivesWholeQueries) else one.n_latents

    @property
    def prior(self) -> Statistics | None:
        """Statistics of the model's own texts, if it has some."""
        return own_prior(self._encoder)

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of documents: a compact index asks for them each time."""
        with self._lock:
            new = [text for text in dict.fromkeys(texts) if text not in self._documents]
            if new:
                made = self._encoder.encode_documents(new)
                self._documents.update((text, made[[row]]) for row, text in enumerate(new))
            rows = [empty(0, self.n_latents), *(self._documents[text] for text in texts)]
            for text in texts:
                self._documents.move_to_end(text)
            while len(self._documents) > REMEMBERED:
                self._documents.popitem(last=False)
        return stack(rows)

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries."""
        with self._lock:
            return self._encoder.encode_queries(texts)

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries before they are cut, if the encoder has them."""
        with self._lock:
            for text in texts:
                if text not in self._queries:
                    self._queries[text] = self._whole(text)
                self._queries.move_to_end(text)
            rows = [empty(0, self.n_latents), *(self._queries[text] for text in texts)]
            while len(self._queries) > REMEMBERED_QUERIES:
                self._queries.popitem(last=False)
        return stack(rows)

    def _whole(self, text: str) -> Impacts:
        if isinstance(self._encoder, GivesWholeQueries):
            return self._encoder.encode_whole_queries([text])
        return self._encoder.encode_queries([text])

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Return where impacts of texts come from; of texts that are too long, nothing."""
        with self._lock:
            keys = [(text, query) for text in texts if len(text) <= MOST_SPANNED]
            new = [key for key in dict.fromkeys(keys) if not self._is_wholly_known(key)]
            if new:
                found = self._encoder.spans([text for text, _ in new], query=query)
                self._spans.update(zip(new, (Known(one, None) for one in found), strict=True))
            return self._told([(text, query) for text in texts])

    def some_spans(self, texts: Sequence[str], latents: Sequence[Collection[int]]) -> list[Spans]:
        """Return where these latents of documents come from, as `spans` does."""
        if not isinstance(self._encoder, GivesSomeSpans):
            return self.spans(texts)
        with self._lock:
            wanted: dict[Key, frozenset[int]] = {}
            for text, asked in zip(texts, latents, strict=True):
                key = text, False
                known = self._spans.get(key)
                if len(text) <= MOST_SPANNED and (known is None or known.lacks(asked)):
                    before = known.latents if known and known.latents else frozenset()
                    wanted[key] = wanted.get(key, before).union(asked)
            if wanted:
                new = [text for text, _ in wanted]
                found = self._encoder.some_spans(new, list(wanted.values()))
                self._spans.update(zip(wanted, map(Known, found, wanted.values()), strict=True))
            return self._told([(text, False) for text in texts])

    def _is_wholly_known(self, key: Key) -> bool:
        known = self._spans.get(key)
        return known is not None and known.latents is None

    def _told(self, keys: Sequence[Key]) -> list[Spans]:
        """Return what is known of texts, and forget those that were not asked for longest."""
        for key in keys:
            if key in self._spans:
                self._spans.move_to_end(key)
        told = [self._spans[key].spans if key in self._spans else {} for key in keys]
        while len(self._spans) > REMEMBERED:
            self._spans.popitem(last=False)
        return told
