"""Collections of any size for benchmarks: real impacts, and maxima of them, in an index."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
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


class Ready:
    """An encoder whose documents are known: a text is the number of its row.

    Queries are encoded once, so that what is timed is the search.
    """

    def __init__(self, encoder: SplareEncoder, documents: Impacts) -> None:
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


def grown(real: Impacts, n_documents: int, top_k: int) -> Impacts:
    """Return `n_documents` rows: the real ones, then maxima of two of them, cut to `top_k`.

    So latents go together in the rows that are made as they do in real texts.
    """
    draw = np.random.default_rng(0)
    parts, more = [real[:n_documents]], n_documents - real.shape[0]
    for first in range(0, max(0, more), 10_000):
        size = min(10_000, more - first)
        rows = draw.integers(real.shape[0], size=2 * size)
        parts.append(prune(merge(real[rows], np.repeat(np.arange(size), 2), size), top_k))
    return stack(parts)


def rows_of(documents: Impacts) -> Iterable[dict[str, Any]]:
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
