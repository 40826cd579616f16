"""`RemoteEncoder`: a model behind HTTP as an `Encoder`; needs neither torch nor the model.

The server is `splare-os serve`, or text-embeddings-inference with a SPLADE model.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import numpy as np

from ..connection import Connection, find_connection
from ..encoder import Spans
from ..errors import EncoderError, ModelServerError
from ..impacts import Impacts, empty, from_triples, stack
from ..statistics import Statistics
from .requests import Patience, Requests

R = TypeVar("R")

PREFIX = "SPLARE_SERVER_"
"""Of the environment's variables that say who asks, such as `SPLARE_SERVER_BEARER_TOKEN`."""

MOST_TEXTS = 64
"""Texts of a request; the server joins those of several."""
MOST_BYTES = 2**20
IN_THE_AIR = 4
"""Requests of one call at a time: while one is answered, the server has others to work on."""


@dataclass(frozen=True)
class RemoteOptions:
    """How long a server is waited for, in seconds.

    A call gives up after `documents_s` or `queries_s`, what is sent again included; a reply may
    take `reply_s`. For `cooldown_s` after that calls fail at once, then one tries.
    """

    documents_s: float = 120.0
    queries_s: float = 10.0
    reply_s: float = 65.0
    cooldown_s: float = 10.0

    def __post_init__(self) -> None:
        """Refuse to never wait."""
        for name in ("documents_s", "queries_s", "reply_s", "cooldown_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)}: give more than 0")

    @property
    def for_documents(self) -> Patience:
        """The patience with documents."""
        return Patience(self.documents_s, min(self.documents_s, self.reply_s))

    @property
    def for_queries(self) -> Patience:
        """The patience with queries, for which people wait."""
        return Patience(self.queries_s, min(self.queries_s, self.reply_s))


class RemoteEncoder:
    """The model of a server. It is asked what it serves once, and must serve that for good.

    Any number of threads may use it. Of text-embeddings-inference, which does not tell them, the
    width of vectors stands in the address (`http://host:8080?n_latents=30522`).
    """

    def __init__(
        self,
        url: str,
        *,
        connection: Connection | None = None,
        options: RemoteOptions | None = None,
    ) -> None:
        address, told = _split(url)
        self._options = options or RemoteOptions()
        found = connection or find_connection({"url": address}, prefix=PREFIX)
        self._requests = Requests(found, cooldown_s=self._options.cooldown_s)
        info = self._requests.get("/info", self._options.for_queries)
        if not isinstance(info, dict) or "model_id" not in info:
            raise ModelServerError(f"{address}/info tells no model: is it a model server?")
        self.is_ours = "fingerprint" in info
        self.name = str(info["model_id"])
        try:
            self.n_latents = int(info["n_latents"] if self.is_ours else told["n_latents"])
            self.fingerprint = str(info["fingerprint"]) if self.is_ours else _of_tei(info)
        except KeyError as error:
            raise EncoderError(
                f"{address} does not tell how wide its vectors are: add ?n_latents=…, the size of "
                "the model's vocabulary, to the address"
            ) from error
        self.document_top_k: int | None = info.get("document_top_k")
        self.query_top_k: int = info.get("query_top_k") or self.n_latents
        self._has_prior = bool(info.get("has_prior"))
        self._most_texts = min(MOST_TEXTS, int(info.get("max_client_batch_size") or MOST_TEXTS))

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of documents, in the order of `texts`."""
        return self._encode(texts, "document", self._options.for_documents)

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, in the order of `texts`."""
        return self._encode(texts, "query", self._options.for_queries)

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, all of them."""
        return self._encode(texts, "whole_query", self._options.for_queries)

    @cached_property
    def prior(self) -> Statistics | None:
        """Statistics of the model's own texts; None if it has none. Asked for once."""
        if not self._has_prior:
            return None
        found = self._requests.get("/prior", self._options.for_queries)
        counts = np.asarray(found["document_frequency"], dtype=np.float64)
        return Statistics(float(found["documents"]), counts, float(found["length"]))

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Return for each text where each of its impacts comes from."""
        if not self.is_ours:
            raise EncoderError(f"model {self.name!r} is served by others, who tell no spans")
        kind = "query" if query else "document"
        patience = self._options.for_queries if query else self._options.for_documents

        def explain(part: Sequence[str]) -> list[Spans]:
            found = self._post("/explain", {"texts": list(part), "kind": kind}, patience)
            return [
                {one["latent"]: (one["start"], one["end"]) for one in text}
                for text in found["response"]
            ]

        return [spans for part in self._dealt(explain, texts) for spans in part]

    def _encode(self, texts: Sequence[str], kind: str, patience: Patience) -> Impacts:
        def encode(part: Sequence[str]) -> Impacts:
            if not self.is_ours:
                return self._sparse(part, patience)
            content = {"texts": list(part), "kind": kind}
            return self._columns(self._post("/encode", content, patience), len(part))

        return stack([empty(0, self.n_latents), *self._dealt(encode, texts)])

    def _post(self, path: str, content: object, patience: Patience) -> Any:  # noqa: ANN401  # JSON
        headers = {"splare-fingerprint": self.fingerprint} if self.is_ours else {}
        return self._requests.post(path, content, headers, patience)

    def _columns(self, found: Any, n_texts: int) -> Impacts:  # noqa: ANN401  # JSON
        try:
            lengths = np.asarray(found["lengths"], dtype=np.int64)
            latents = np.asarray(found["latents"], dtype=np.int64)
            values = np.asarray(found["impacts"], dtype=np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise self._unfit(n_texts) from error
        rows = np.repeat(np.arange(len(lengths)), lengths)
        if len(lengths) != n_texts or not len(rows) == len(latents) == len(values):
            raise self._unfit(n_texts)
        return self._impacts(rows, latents, values, n_texts)

    def _sparse(self, texts: Sequence[str], patience: Patience) -> Impacts:
        """Ask text-embeddings-inference, which takes no empty text and cuts long ones."""
        full = [at for at, text in enumerate(texts) if text.strip()]
        if not full:
            return empty(len(texts), self.n_latents)
        content = {"inputs": [texts[at] for at in full], "truncate": True}
        found = self._post("/embed_sparse", content, patience)
        try:
            pairs = [
                (at, one["index"], one["value"])
                for at, row in zip(full, found, strict=True)
                for one in row
                if one["value"] > 0
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise self._unfit(len(full)) from error
        rows, latents, values = np.array(pairs, dtype=np.float64).reshape(-1, 3).T
        return self._impacts(
            rows.astype(np.int64), latents.astype(np.int64), values.astype(np.float32), len(texts)
        )

    def _impacts(self, rows: Any, latents: Any, values: Any, n_texts: int) -> Impacts:  # noqa: ANN401
        if latents.size and not (latents.min() >= 0 and latents.max() < self.n_latents):
            raise ModelServerError(
                f"the model server {self._requests.url} answers latent {latents.max()}, and there "
                f"are {self.n_latents}: is n_latents right?"
            )
        return from_triples(rows, latents, values, (n_texts, self.n_latents))

    def _unfit(self, n_texts: int) -> ModelServerError:
        return ModelServerError(
            f"the model server {self._requests.url} answers no impacts of {n_texts} texts: is "
            "there a proxy between that answers itself?"
        )

    def _dealt(self, ask: Callable[[Sequence[str]], R], texts: Sequence[str]) -> Iterator[R]:
        """Yield what `ask` returns for parts of `texts`, in order; some are asked for at a time."""
        parts = list(_parts(texts, self._most_texts))
        if len(parts) < 2:
            yield from map(ask, parts)
            return
        with ThreadPoolExecutor(min(IN_THE_AIR, len(parts))) as pool:
            futures = [pool.submit(ask, part) for part in parts]
            try:
                for future in futures:
                    yield future.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _parts(texts: Sequence[str], most_texts: int) -> Iterator[Sequence[str]]:
    """Yield neighbouring texts, as many as a request takes."""
    start, n_bytes = 0, 0
    for at, text in enumerate(texts):
        n_bytes += 4 * len(text)
        if at > start and (at - start == most_texts or n_bytes > MOST_BYTES):
            yield texts[start:at]
            start, n_bytes = at, 4 * len(text)
    if start < len(texts):
        yield texts[start:]


def _split(url: str) -> tuple[str, dict[str, str]]:
    """Return an address, and what is told behind its question mark."""
    found = urlsplit(url)
    told = dict(parse_qsl(found.query))
    if unknown := sorted(told.keys() - {"n_latents"}):
        raise ValueError(
            f"address {found.hostname}: {', '.join(unknown)} unknown; n_latents is known"
        )
    if not told.get("n_latents", "1").isdecimal():
        raise ValueError(f"n_latents={told['n_latents']!r}: give a number")
    return urlunsplit(found._replace(query="", fragment="")), told


def _of_tei(info: dict[str, Any]) -> str:
    """Return a fingerprint of what text-embeddings-inference tells of its model."""
    told = f"text-embeddings-inference {info['model_id']} {info.get('model_sha')}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]
