"""The index that a run writes to: what it holds, and whether it is still the one of the start."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from threading import Event
from typing import Any, Protocol, TypeAlias

import orjson
from opensearchpy import NotFoundError, OpenSearch

from ..documents.shards import Held, Version
from ..errors import BulkError, ReplyError, SplareError
from ..layout.meta import restore_record
from ..reply import part, parts, require_no_index, rows
from .actions import Stored, Target, Update, Write
from .bulk import MOST_REQUESTS, BulkOptions
from .patience import FAILURES, Patience, describe, reason_of, retried, within
from .presence import find_lacking

Json: TypeAlias = dict[str, Any]

UUID = "index.uuid"
PROBE_S = 10.0
SEEN_S = 0.2
"""Nothing is sent to an index that was not seen for so long."""


class Handle(Protocol):
    """What a sender asks of the index that it writes to."""

    index: str

    def check(self, *, max_age_s: float = 0.0) -> None:
        """Raise `BulkError` unless it is the index of the start, under the name of the start."""

    def versions(self, actions: Sequence[Write]) -> dict[str, Version]:
        """Return which write of each action's document is there, of those that are."""

    def refusal(self) -> str:
        """Return why the index takes no writes at all, "" if it does."""

    def settings_now(self) -> Mapping[str, str]:
        """Return the settings of the index, asked for anew."""


class IndexHandle:
    """One concrete index, told from others of its name by its uuid; threads may share it.

    `name` is what the user calls it, perhaps an alias.
    """

    def __init__(
        self, client: OpenSearch, name: str, target: Target, patience: Patience, stop: Event
    ) -> None:
        self.client, self.name, self.index, self.field = client, name, target.index, target.field
        self.target = target
        self.patience, self.stop = patience, stop
        self.settings = self._settings()
        self.uuid = part(self.settings, UUID, kind=str)
        self._seen_at = time.monotonic()

    def _settings(self) -> dict[str, str]:
        params = {"flat_settings": "true"}
        reply = self.client.indices.get_settings(index=self.index, params=params)
        return part(reply, self.index, "settings", kind=dict)

    def settings_now(self) -> dict[str, str]:
        """Return the settings of the index, asked for anew."""
        return retried(self._settings, self.patience, self.stop)

    def check(self, *, max_age_s: float = 0.0) -> None:
        """Raise `BulkError` unless it is the index of the start, under the name of the start.

        Asked after a request, it says for sure where the request's documents went: no index gets
        the uuid of one that is gone. One that was seen less than `max_age_s` ago is not asked for.
        """
        if time.monotonic() - self._seen_at < max_age_s:
            return
        begun = time.monotonic()
        if change := self._change(retried(self.named_now, self.patience, self.stop)):
            raise BulkError(change)
        self._seen_at = begun

    def explain(self, error: SplareError) -> None:
        """Raise what tells more than `error`, if the index is no longer that of the start."""
        try:
            found = within(self.named_now, self.stop, PROBE_S)
        except FAILURES:
            return
        if change := self._change(found):
            raise BulkError(change) from error

    def named_now(self) -> dict[str, dict[str, str]]:
        """Return the uuids of the indices that the name stands for."""
        params = {"flat_settings": "true"}
        try:
            reply = self.client.indices.get_settings(index=self.name, name=UUID, params=params)
        except NotFoundError as error:
            require_no_index(error)
            return {}
        found = parts(reply, "settings")
        if not found:
            raise ReplyError(f"the cluster's reply has no settings of {self.name!r}")
        return found

    def keep_record(self) -> None:
        """Write the field's record of the start anew, if another's write of `_meta` lost it."""
        if (record := self.target.record) is not None:
            restore = partial(restore_record, self.client, self.index, self.field, record)
            retried(restore, self.patience, self.stop)

    def _change(self, found: Mapping[str, Mapping[str, str]]) -> str:
        """Return what became of the index, by what its name stands for now; "" if it is there."""
        now = found.get(self.index, {}).get(UUID)
        if now == self.uuid:
            return ""
        if not found and self.name != self.index:
            return (
                f"alias {self.name!r} was taken off the index {self.index!r} during the run, or "
                "the index was deleted: put it back, then run the same command again"
            )
        if not found:
            return (
                f"index {self.name!r} was deleted during the run. If it is there again, as the "
                "cluster makes one by itself for what was on its way, delete it; then run the same "
                "command again"
            )
        if now is not None:
            return (
                f"index {self.index!r} was deleted and created anew during the run ({self.uuid} is "
                f"now {now}). If the cluster made it by itself, without the mapping of impacts, "
                "delete it; then run the same command again, it starts over"
            )
        stands_for = ", ".join(sorted(found))
        return (
            f"{self.name!r} stands for {stands_for} now, and no longer for the index "
            f"{self.index!r} that this run began to write to: run the same command again"
        )

    def stored(self, ids: Sequence[str]) -> dict[str, Stored]:
        """Return by id those documents that exist.

        Whole: to leave out the impacts costs the server eight times the CPU of sending them.
        """
        docs = self._docs([{"_id": name} for name in ids], {})
        held = {name: Stored(doc.get("_source", {}), _version(doc)) for name, doc in docs.items()}
        lacking = self._lacking(held)
        return held | {name: replace(held[name], lacks_impacts=True) for name in lacking}

    def lacking(self, documents: Sequence[Held]) -> set[str]:
        """Return the ids of those documents that tell of impacts and have none."""
        return self._lacking({one.id: Stored(one.source or {}, one.version) for one in documents})

    def _lacking(self, held: Mapping[str, Stored]) -> set[str]:
        asked = partial(find_lacking, self.client, self.target, held)
        # whole documents tell it themselves: nothing is asked
        return retried(asked, self.patience, self.stop) if self.target.is_compact else asked()

    def versions(self, actions: Sequence[Write]) -> dict[str, Version]:
        """Return which write of each action's document is there, of those that are."""
        docs = self._docs(list(map(_address, actions)), {"_source": "false"})
        return {name: _version(doc) for name, doc in docs.items()}

    def digests(self, routings: Mapping[str, str | None]) -> dict[str, str | None]:
        """Return what the impacts field of each document says of its text now, of those there.

        They are named by id, each with its routing.
        """
        params = {"_source_includes": f"{self.field}.digest"}
        docs = self._docs([_named(*one) for one in routings.items()], params)
        ours = {name: part(doc, "_source", kind=dict).get(self.field) for name, doc in docs.items()}
        return {
            name: one.get("digest") if isinstance(one, dict) else None for name, one in ours.items()
        }

    def _docs(self, addresses: Sequence[Json], params: dict[str, str]) -> dict[str, Json]:
        if not addresses:
            return {}

        def ask() -> dict[str, Json]:
            body = {"docs": addresses}
            reply = self.client.mget(index=self.index, body=body, params=params)
            docs = {part(doc, "_id", kind=str): doc for doc in rows(reply, "docs")}
            if {part(doc, "_index", kind=str) for doc in docs.values()} - {self.index}:
                raise ReplyError(f"documents of {self.index!r} were asked for, others are answered")
            if any("error" in doc for doc in docs.values()):
                self.check()  # of an index that is gone each document has an error of its own
            names = [one["_id"] for one in addresses]
            return {name: docs[name] for name in names if part(docs, name, "found")}

        return retried(ask, self.patience, self.stop)

    def with_most_requests(self, options: BulkOptions) -> BulkOptions:
        """Return options that say how many requests the cluster's cores can work at."""
        if options.most_requests is not None:
            return options
        params = {"filter_path": "nodes.*.os.allocated_processors"}
        ask = partial(self.client.nodes.info, metric="os", params=params)
        try:
            nodes = parts(part(within(ask, self.stop, PROBE_S), "nodes"), "os").values()
            n_cores = sum(part(node, "allocated_processors", kind=int) for node in nodes)
        except FAILURES:  # not everybody may ask
            return options
        return replace(options, most_requests=min(MOST_REQUESTS, max(2, n_cores + 1)))

    def refusal(self) -> str:
        """Return why the index takes no writes at all, "" if it does.

        Asked by an update of a document that does not exist: it goes the way of all writes, and
        changes nothing.
        """
        probe = f"splare-probe-{secrets.token_hex(8)}"
        name = {"_index": self.index, "_id": probe, "routing": probe}  # some indices require one
        body = orjson.dumps({"update": name}) + b'\n{"doc":{}}\n'
        try:
            reply = within(lambda: self.client.bulk(body=body), self.stop, PROBE_S)
            items = part(reply, "items")
            error = part(items[0] if isinstance(items, list) and items else {}, "update", "error")
        except FAILURES as failure:
            return describe(failure)
        is_missing = isinstance(error, dict) and error.get("type") == "document_missing_exception"
        return "" if is_missing else reason_of(error)


def _address(action: Write) -> Json:
    """Return where a document is: a routing of its own chooses its shard."""
    return _named(action.id, action.routing if isinstance(action, Update) else None)


def _named(name: str, routing: str | None) -> Json:
    return {"_id": name} | ({} if routing is None else {"routing": routing})


def _version(doc: Json) -> Version:
    return Version(part(doc, "_seq_no", kind=int), part(doc, "_primary_term", kind=int))
