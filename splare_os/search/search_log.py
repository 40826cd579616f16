"""A log of searches in the cluster: one small document a search, for dashboards.

It is never in the way of a search. What is noted goes into a bounded queue; a thread of its own
writes it. What does not fit, or cannot be written, is dropped and counted.
"""

import logging
import queue
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from importlib import resources
from typing import Any, TypeAlias

import orjson
from opensearchpy import OpenSearch, RequestError
from opensearchpy.exceptions import OpenSearchException

from ..errors import ReplyError
from ..layout.view import Headers
from ..reply import part
from .body import Pair, parse_msearch, plain
from .rewritten import Rewritten
from .route import route_of, text_of
from .target import Target, index_of, parse_path

log = logging.getLogger(__name__)

INDEX = "splare-search-log"

Entry: TypeAlias = dict[str, Any]

CHUNK = 500
"""Documents of a bulk request at most."""

REQUEST_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class SearchLog:
    """What is logged of searches, and where: the index is made from `mappings/`.

    `share` of the searches is logged, drawn at random. Queries are hashed unless `keep_texts`: the
    hash tells equal texts, and `hash_key`, a secret, keeps others from trying texts. `arm_header`
    names the request header that tells the arm of an A/B test. At most `most_waiting` documents
    wait; they are written every `every_s` seconds.
    """

    index: str = INDEX
    share: float = 1.0
    keep_texts: bool = False
    hash_key: bytes = b""
    arm_header: str = "x-splare-arm"
    most_waiting: int = 2000
    every_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not 0 < self.share <= 1:
            raise ValueError(f"share={self.share}: log more than 0, and at most all (1)")
        if self.most_waiting < 1 or not self.every_s > 0:
            raise ValueError(
                f"most_waiting={self.most_waiting}, every_s={self.every_s}: give more than 0"
            )
        if len(self.hash_key) > blake2b.MAX_KEY_SIZE:
            raise ValueError(f"hash_key: give at most {blake2b.MAX_KEY_SIZE} bytes")


class SearchLogWriter:
    """Writes the log of one client; `written` and `dropped` count its documents."""

    def __init__(self, client: OpenSearch, options: SearchLog) -> None:
        self.client, self.options = client, options
        self.dropped = self.written = 0
        self._waiting: queue.Queue[bytes] = queue.Queue(options.most_waiting)
        self._ended, self._is_told, self._is_made = threading.Event(), False, False
        self._thread, self._lock = threading.Thread(), threading.Lock()

    def watched(
        self,
        made: Rewritten,
        url: str,
        body: Any,  # noqa: ANN401  # what a user hands in
        headers: Headers | None,
    ) -> Rewritten:
        """Return a request that notes its reply once there is one, if it is a search.

        `made` goes out for the `body` that the application gave.
        """
        target = parse_path(url)
        is_search = target is not None and target.endpoint in {"_search", "_msearch"}
        if target is None or not is_search or target.has_more:
            return made
        if random.random() >= self.options.share:
            return made
        begun = time.perf_counter()

        sent = _query_of(made)

        def finish(reply: Any) -> Any:  # noqa: ANN401
            whole_ms = 1000 * (time.perf_counter() - begun)
            finished = made.finish(reply)
            try:
                self._note(target, (body or sent, sent), reply, whole_ms, headers or {})
            except Exception:  # noqa: BLE001  # a search must not fail for its log
                self._tell("a search cannot be logged", is_error=True)
            return finished

        return replace(made, finish=finish)

    def _note(
        self,
        target: Target,
        bodies: tuple[Any, Any],
        reply: Any,  # noqa: ANN401
        whole_ms: float,
        headers: Headers,
    ) -> None:
        replies = [reply]
        asked: list[Pair]
        sent: list[Pair]
        if target.endpoint == "_msearch":
            asked, sent = (parse_msearch(body) or [] for body in bodies)
            replies = reply.get("responses", [])
        else:
            serializer = self.client.transport.serializer
            nothing: Entry = {}
            asked, sent = ([(nothing, plain(body, serializer))] for body in bodies)
        header = self.options.arm_header.lower()
        arm = next((value for name, value in headers.items() if name.lower() == header), None)
        for pair, (_, translated), one in zip(asked, sent, replies, strict=False):
            if isinstance(one, Mapping) and "hits" in one:
                entry = self._entry(target, pair, translated, one)
                self._put(orjson.dumps(entry | {"whole_ms": round(whole_ms, 3), "arm": arm}))

    def _entry(
        self, target: Target, asked: Pair, translated: object, reply: Mapping[str, Any]
    ) -> Entry:
        header, body = asked
        total = reply["hits"].get("total")
        n_hits = total.get("value") if isinstance(total, Mapping) else total
        is_zero = n_hits == 0 if n_hits is not None else not reply["hits"].get("hits")
        text = text_of(body)
        return {
            "@timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "index": index_of(header) or target.index or "_all",
            "route": route_of(translated),
            "query": None if text is None else self._told(text),
            "took_ms": reply.get("took"),
            "total": n_hits,
            "zero_hits": is_zero,
            "timed_out": bool(reply.get("timed_out")),
            "share": self.options.share,
        }

    def _told(self, query: str) -> str:
        if self.options.keep_texts:
            return query
        return blake2b(query.encode(), digest_size=8, key=self.options.hash_key).hexdigest()

    def _put(self, entry: bytes) -> None:
        try:
            self._waiting.put_nowait(entry)
        except queue.Full:
            self._drop(1, f"more than {self.options.most_waiting} wait")
            return
        with self._lock:
            if not self._thread.is_alive() and not self._ended.is_set():  # also after a fork
                self._thread = threading.Thread(
                    target=self._run, name="splare-search-log", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._ended.wait(self.options.every_s)
            while entries := self._taken():
                self._write(entries)

    def _taken(self) -> list[bytes]:
        taken: list[bytes] = []
        while len(taken) < CHUNK:
            try:
                taken.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return taken

    def _write(self, entries: Sequence[bytes]) -> None:
        try:
            if not self._is_made:
                ensure_search_log(self.client, self.options.index)
                self._is_made = True
            head = orjson.dumps({"index": {"_index": self.options.index}})
            body = b"".join(head + b"\n" + entry + b"\n" for entry in entries)
            params = {"request_timeout": REQUEST_TIMEOUT_S}
            items = part(self.client.bulk(body=body, params=params), "items")
            refused = [item for item in items if part(item, "index", "status") >= 300]
        except (OpenSearchException, ReplyError) as error:
            self._is_made = False
            self._drop(len(entries), str(error))
            return
        self.written += len(entries) - len(refused)
        if refused:
            self._drop(len(refused), str(part(refused[0], "index", "error")))

    def _drop(self, n: int, why: str) -> None:
        with self._lock:
            self.dropped += n
        self._tell(why)

    def _tell(self, why: str, *, is_error: bool = False) -> None:
        if not self._is_told:
            self._is_told = True
            log.warning(
                "searches are missing in %s from now on: %s",
                self.options.index,
                why,
                exc_info=is_error,
            )

    def close(self) -> None:
        """Write what waits; no more is taken."""
        self._ended.set()
        with self._lock:
            is_alive = self._thread.is_alive()
        if is_alive:
            self._thread.join(2 * REQUEST_TIMEOUT_S)


def _query_of(made: Rewritten) -> Any:  # noqa: ANN401
    """Return the body of a request; a query that stands in the address is a body too."""
    if not made.body and (query := (made.params or {}).get("q")):
        text = query.decode() if isinstance(query, bytes) else str(query)
        return {"query": {"query_string": {"query": text}}}
    return made.body


def search_log_template() -> dict[str, Any]:
    """Return `mappings/splare-search-log.json`, the body of `PUT _index_template/…`."""
    file = resources.files("splare_os") / "mappings" / f"{INDEX}.json"
    body: dict[str, Any] = orjson.loads(file.read_bytes())
    return body


def ensure_search_log(client: OpenSearch, index: str = INDEX) -> None:
    """Create the index of the log, if there is none."""
    if client.indices.exists(index=index):
        return
    try:
        client.indices.create(index=index, body=search_log_template()["template"])
    except RequestError as error:
        if error.error != "resource_already_exists_exception":
            raise
