"""Collections of any size for benchmarks: real impacts, and maxima of them, in an index."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from opensearchpy import OpenSearch

from splare_os.encode import SplareEncoder
from splare_os.encoder import Spans
from splare_os.errors import EncoderError, SplareError
from splare_os.impacts import Impacts, merge, prune, stack
from splare_os.index import IngestOptions, ingest

BLOCK = 10_000
"""Rows that are made at a time."""


class Grown:
    """Impacts [document, latent] of `n_documents`: real ones, and maxima of two of them.

    So latents go together in the rows that are made as they do in real texts. Rows are made, and
    cut to `top_k`, when they are asked for: millions of them would fill the memory.
    """

    def __init__(self, real: Impacts, n_documents: int, top_k: int) -> None:
        self.real, self.top_k = real[:n_documents], top_k
        self.shape = n_documents, real.shape[1]
        draw, more = np.random.default_rng(0), n_documents - self.real.shape[0]
        sizes = [min(BLOCK, more - first) for first in range(0, more, BLOCK)]
        pairs = [draw.integers(real.shape[0], size=2 * size).astype(np.int32) for size in sizes]
        self.pairs = np.concatenate([np.empty(0, np.int32), *pairs]).reshape(-1, 2)

    def __getitem__(self, rows: Sequence[int]) -> Impacts:
        """Return the impacts of rows."""
        asked, n_real = np.asarray(rows), self.real.shape[0]
        if (asked < n_real).all():
            return self.real[asked]
        own = asked.reshape(-1, 1).repeat(2, axis=1)
        is_made = asked >= n_real
        own[is_made] = self.pairs[asked[is_made] - n_real]
        owners = np.repeat(np.arange(len(asked)), 2)
        return prune(merge(self.real[own.reshape(-1)], owners, len(asked)), self.top_k)

    def blocks(self) -> Iterator[Impacts]:
        """Yield all rows, some at a time."""
        for first in range(0, self.shape[0], BLOCK):
            yield self[range(first, min(first + BLOCK, self.shape[0]))]

    def whole(self) -> Impacts:
        """Return all rows."""
        return stack(list(self.blocks()))


class Ready:
    """An encoder whose documents are known: a text is the number of its row.

    Queries are encoded once, so that what is timed is the search.
    """

    def __init__(self, encoder: SplareEncoder, documents: Grown) -> None:
        self.encoder, self.documents = encoder, documents
        self._queries: dict[str, Impacts] = {}
        self.name, self.fingerprint = encoder.name, encoder.fingerprint
        self.n_latents, self.prior = encoder.n_latents, encoder.prior
        self.query_top_k = encoder.query_top_k
        self.document_top_k = encoder.document_top_k

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return the rows that the texts name."""
        return self.documents[[int(text) for text in texts]]

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts of queries."""
        return self.encoder.encode_queries(texts)

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        """Return all impacts of queries."""
        for text in set(texts) - self._queries.keys():
            self._queries[text] = self.encoder.encode_whole_queries([text])
        return stack([self._queries[text] for text in texts])

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Raise `EncoderError`: rows have no words."""
        raise EncoderError(f"{len(texts)} rows, query={query}: they have no words")


def rows_of(documents: Grown) -> Iterable[dict[str, Any]]:
    """Return a document for each row, whose text is its number."""
    return ({"_id": str(row), "text": str(row)} for row in range(documents.shape[0]))


def fill(
    client: OpenSearch,
    encoder: Ready,
    index: str,
    rows: Iterable[dict[str, Any]],
    **options: Any,  # noqa: ANN401  # of IngestOptions
) -> float:
    """Index documents, and return how many were taken a second; `SplareError` if one was not."""
    with TemporaryDirectory(prefix="splare-bench-") as folder:
        path = Path(folder) / "rows.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        asked, start = IngestOptions(index, state_folder=Path(folder), **options), perf_counter()
        statuses = Counter(one.status for one in ingest(client, encoder, [str(path)], asked))
        took = perf_counter() - start
    if statuses.keys() - {"indexed", "unchanged"}:
        raise SplareError(f"not all documents of {index!r} were indexed: {dict(statuses)}")
    return statuses.total() / took
