"""`RemoteEncoder`: a model behind HTTP as an `Encoder`; needs neither torch nor the model.

The server is `splare-os serve`, or text-embeddings-inference with a SPLADE model.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from ..connection import Connection, find_connection
from ..encoder import Spans
from ..errors import EncoderError, ModelServerError
from ..impacts import Impacts, empty, stack
from ..statistics import Statistics
from . import replies
from .replies import MOST_COUNTED, Reply
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
    take `reply_s`. For `cooldown_s` after that calls with queries fail at once, and those with
    documents wait; then one tries.
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
        return Patience(self.documents_s, min(self.documents_s, self.reply_s), waits=True)

    @property
    def for_queries(self) -> Patience:
        """The patience with queries, for which people wait."""
        return Patience(self.queries_s, min(self.queries_s, self.reply_s))


class RemoteEncoder:
    """The model of a server. It is asked what it serves once, and must serve that for good.

    Ours refuses requests that mean another model; text-embeddings-inference is asked after each
    call whether its model is still the same.
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
        info = self._info(self._options.for_queries)
        self.is_ours, self.name, self.fingerprint = info.is_ours, info.name, info.fingerprint
        n_latents = info.n_latents or told
        if n_latents is None:
            raise EncoderError(
                f"{address} does not tell how wide its vectors are: add ?n_latents=…, the size of "
                "the model's vocabulary, to the address"
            )
        self.n_latents = n_latents
        self.document_top_k: int | None = info.document_top_k
        self.query_top_k: int = info.query_top_k or n_latents
        self._has_prior = info.has_prior
        self._most_texts = min(MOST_TEXTS, info.max_texts or MOST_TEXTS)

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
        found = self._get("/prior", self._meant, self._options.for_queries)
        return replies.prior(found, self.n_latents)

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Return for each text where each of its impacts comes from."""
        if not self.is_ours:
            raise EncoderError(f"model {self.name!r} is served by others, who tell no spans")
        kind = "query" if query else "document"
        patience = self._options.for_queries if query else self._options.for_documents

        def explain(part: Sequence[str]) -> list[Spans]:
            content = {"texts": list(part), "kind": kind}
            reply = self._post("/explain", content, patience)
            return replies.spans(reply, part, self.n_latents)

        return [spans for part in self._dealt(explain, texts) for spans in part]

    def _encode(self, texts: Sequence[str], kind: str, patience: Patience) -> Impacts:
        def encode(part: Sequence[str]) -> Impacts:
            if not self.is_ours:
                return self._sparse(part, patience)
            content = {"texts": list(part), "kind": kind}
            reply = self._post("/encode", content, patience)
            return replies.columns(reply, len(part), self.n_latents)

        made = stack([empty(0, self.n_latents), *self._dealt(encode, texts)])
        if not self.is_ours:
            self._require_same(patience)
        return made

    def _sparse(self, texts: Sequence[str], patience: Patience) -> Impacts:
        """Ask text-embeddings-inference, which takes no empty text and cuts long ones."""
        full = [at for at, text in enumerate(texts) if text.strip()]
        if not full:
            return empty(len(texts), self.n_latents)
        content = {"inputs": [texts[at] for at in full], "truncate": True}
        reply = self._post("/embed_sparse", content, patience)
        return replies.sparse_values(reply, full, len(texts), self.n_latents)

    def _info(self, patience: Patience) -> replies.Info:
        return replies.info(self._get("/info", {}, patience))

    def _require_same(self, patience: Patience) -> None:
        """Refuse what text-embeddings-inference has just made if its model is another by now.

        It takes no header that names the model, as ours does.
        """
        now = self._info(patience)
        if now.fingerprint != self.fingerprint:
            raise ModelServerError(
                f"the model server {self._requests.url} serves {now.name!r} now (fingerprint "
                f"{now.fingerprint}), and served {self.name!r} ({self.fingerprint}) when it was "
                "asked first: their latents mean different things. Load the encoder anew if that "
                "is wanted"
            )

    @property
    def _meant(self) -> dict[str, str]:
        """The header that names the model, which others do not know."""
        return {"splare-fingerprint": self.fingerprint} if self.is_ours else {}

    def _get(self, path: str, headers: Mapping[str, str], patience: Patience) -> Reply:
        found = self._requests.get(path, headers, patience)
        return Reply(self._requests.url + path, found)

    def _post(self, path: str, content: object, patience: Patience) -> Reply:
        found = self._requests.post(path, content, self._meant, patience)
        return Reply(self._requests.url + path, found)

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


def _split(url: str) -> tuple[str, int | None]:
    """Return an address, and the number of latents told behind its question mark."""
    found = urlsplit(url)
    told = dict(parse_qsl(found.query, keep_blank_values=True))
    if unknown := sorted(told.keys() - {"n_latents"}):
        raise ValueError(
            f"address {found.hostname}: {', '.join(unknown)} unknown; n_latents is known"
        )
    n_latents = told.get("n_latents", "1")
    if not (n_latents.isdecimal() and 1 <= int(n_latents) <= MOST_COUNTED):
        raise ValueError(f"n_latents={n_latents!r}: give a number from 1 to {MOST_COUNTED}")
    address = urlunsplit(found._replace(query="", fragment=""))
    return address, int(n_latents) if told else None
