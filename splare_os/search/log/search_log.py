"""A log of searches in the cluster: one small document a search, for dashboards.

It is never in the way of a search. What is noted goes into a bounded queue; a thread of its own
writes it. What does not fit, or cannot be written, is dropped and counted.
"""

import logging
import queue
import threading
from asyncio import CancelledError
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from importlib import resources
from typing import Any, TypeAlias

import orjson
from opensearchpy import OpenSearch, RequestError
from opensearchpy.exceptions import OpenSearchException

from ...errors import ReplyError
from ...forks import SafeLock
from ...layout.existing import index_exists
from ...reply import part

log = logging.getLogger(__name__)

INDEX = "splare-search-log"

Entry: TypeAlias = dict[str, Any]

CHUNK = 500
"""Documents of a bulk request at most."""

REQUEST_TIMEOUT_S = 10.0

UNWRITTEN = (OpenSearchException, ReplyError, RuntimeError, CancelledError)
"""What a write may fail with; the last two where an event loop has ended before its client."""


@dataclass(frozen=True)
class SearchLog:
    """What is logged of searches, and where: the index is made from `mappings/`.

    `share` of the searches is logged, drawn at random. Queries are hashed unless `keep_texts`: the
    hash tells equal texts, and `hash_key`, a secret, keeps others from trying texts. `arm_header`
    names the request header that tells the arm of an A/B test, unless a rewrite rule does. At most
    `most_waiting` documents wait; they are written every `every_s` seconds.
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
        self._thread, self._lock = threading.Thread(), SafeLock()

    def add(self, entry: Entry) -> None:
        """Note a search, if there is room."""
        try:
            self._put(orjson.dumps(entry))
        except orjson.JSONEncodeError as error:  # a text that is none in UTF-8
            self._drop(1, f"a search cannot be written as JSON: {error}")

    def _put(self, entry: bytes) -> None:
        try:
            self._waiting.put_nowait(entry)
        except queue.Full:
            self._drop(1, f"more than {self.options.most_waiting} wait")
            return
        with self._lock:
            if not self._thread.is_alive() and not self._ended.is_set():  # also after a fork
                run = partial(copy_context().run, self._run)
                self._thread = threading.Thread(target=run, name="splare-search-log", daemon=True)
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
        except UNWRITTEN as error:
            self._is_made = False
            self._drop(len(entries), str(error) or type(error).__name__)
            return
        self.written += len(entries) - len(refused)
        if refused:
            self._drop(len(refused), str(part(refused[0], "index", "error")))

    def drop(self, why: str) -> None:
        """Count a search that could not be noted."""
        self._drop(1, why)

    def _drop(self, n: int, why: str) -> None:
        with self._lock:
            self.dropped += n
        self._tell(why)

    def _tell(self, why: str) -> None:
        if not self._is_told:
            self._is_told = True
            log.warning("searches are missing in %s from now on: %s", self.options.index, why)

    def close(self) -> None:
        """Write what waits; no more is taken."""
        self._ended.set()
        with self._lock:
            is_alive = self._thread.is_alive()
        if is_alive:
            self._thread.join(2 * REQUEST_TIMEOUT_S)


def search_log_template() -> dict[str, Any]:
    """Return `mappings/splare-search-log.json`, the body of `PUT _index_template/…`."""
    file = resources.files("splare_os") / "mappings" / f"{INDEX}.json"
    body: dict[str, Any] = orjson.loads(file.read_bytes())
    return body


def ensure_search_log(client: OpenSearch, index: str = INDEX) -> None:
    """Create the index of the log, if there is none."""
    if index_exists(client, index):
        return
    try:
        client.indices.create(index=index, body=search_log_template()["template"])
    except RequestError as error:
        if error.error != "resource_already_exists_exception":
            raise
