"""Impacts for an index that people already have, while they go on writing to it."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from functools import partial, reduce
from pathlib import Path
from typing import Any, TypeVar

from opensearchpy import NotFoundError, OpenSearch, RequestError

from ..encoder import Encoder
from ..errors import BulkError, MappingError, SplareError
from ..layout.aliases import alias_filters
from ..layout.compact import check_whole
from ..layout.mapped import check_names, copied_from, field_paths
from ..layout.mapping import ensure_index
from ..layout.records import check_record, impacts_name, read_mappings, records_of
from ..reply import part, parts, require_no_index
from .actions import Target
from .backfill_options import BackfillOptions
from .backlog import Backlog, open_backlog
from .batch import BACKFILL_STATUSES, BackfillOutcome, BackfillStatus
from .handle import UUID
from .job import find_target
from .patience import describe, retried
from .snapshot import Counters
from .stop import Stop

log = logging.getLogger(__name__)

T = TypeVar("T")

NO_FIELDS = (
    "none. If the cluster made it by itself, for a write to an index that was deleted, delete it"
)


def backfill(client: OpenSearch, encoder: Encoder, options: BackfillOptions) -> "BackfillRun":
    """Return a run that gives an index's documents their impacts as it is iterated over.

    `ValueError` if more impacts are to be kept than the encoder gives.
    """
    options.cut.check(encoder)
    return BackfillRun(client, encoder, options)


class BackfillRun:
    """An iterator over outcomes, once; `counts` are those of the whole job.

    It reads each index in the order of its writes, again and again until no document is left that
    lacks its impacts; with `watch` it then waits for others to write. After a kill the job goes on
    where it stopped. While iterating: `MappingError`, `ModelMismatchError`, `JobError`,
    `BulkError`; after each of them the same command goes on.
    """

    def __init__(self, client: OpenSearch, encoder: Encoder, options: BackfillOptions) -> None:
        self.client, self.encoder, self.options = client, encoder, options
        self.backlogs: dict[str, Backlog] = {}
        self._left: list[Backlog] = []
        self.names: list[str] = []
        self.n_done_before = 0
        self.stop = Stop()
        self._opened, self._opened_names = ExitStack(), set[str]()

    @property
    def counts(self) -> dict[BackfillStatus, int]:
        """The outcomes of the job so far."""
        total: Counter[str] = Counter()
        for backlog in self._all():
            total.update(backlog.checkpoint.position.counts)
        return {status: total[status] for status in BACKFILL_STATUSES}

    @property
    def dead_letters(self) -> list[Path]:
        """The files of those that could not be stored."""
        found = [one.letters.path for one in self._all() if one.checkpoint.position.dead_bytes]
        return list(dict.fromkeys(found))

    def _all(self) -> list[Backlog]:
        """Return the backlogs of all indices, of those too that were left."""
        return [*self._left, *self.backlogs.values()]

    def counters(self) -> Counters:
        """Return what was counted so far in all indices; another thread may ask."""
        found = [backlog.counters() for backlog in self._all()]
        if len(found) == 1:
            return found[0]
        of = self.options.index
        none = Counters(job=f"{of}-backfill", index=of, model=self.encoder.name)
        return reduce(lambda one, other: one + other, found, none)

    def __iter__(self) -> Iterator[BackfillOutcome]:
        """Yield the outcomes of the documents that were not looked at yet."""
        with self._opened:
            self._patiently(self.client.info, is_first=True)
            self._check_where()
            yield from self._passes()
            for backlog in self._live():
                backlog.finish()

    def _passes(self) -> Iterator[BackfillOutcome]:
        """Yield outcomes until none is stale; with `watch`, until the run is to stop.

        From what is watched indices may go at any moment, as the old ones of a data stream do.
        """
        is_due = True
        while is_due:
            try:
                self._open()
                yield from self._until_none_is_stale()
                is_due = self.options.watch and self._waited_for_writes()
            except (BulkError, MappingError) as error:
                if self.stop.is_set():
                    raise
                gone = self._gone() if self.options.watch else []
                if not gone:
                    self._explain(error)
                    raise
                log.info("index=%s gone=%s", self.options.index, ",".join(gone))
                self._close(gone)

    def _gone(self) -> list[str]:
        """Return the indices that the name stands for no more, if it still stands for any.

        Of an alias or a data stream those too that were made anew: they go and come.
        """
        now = self._patiently(self._now)
        known = {name: one.handle.uuid for name, one in self.backlogs.items()}
        if not now or self.options.index in now:
            return []
        same = {name for name, uuid in now.items() if known.get(name, uuid) == uuid}
        return [name for name in self.names if name not in same]

    def _explain(self, error: SplareError) -> None:
        """Raise what tells more than an error, if it came of an index that is gone or replaced."""
        for name in self._opened_names:
            self.backlogs[name].handle.explain(error)

    def _close(self, gone: list[str]) -> None:
        """Close all that is open: what failed as an index went may be any of it."""
        for name in gone:
            if name in self._opened_names:
                self.backlogs[name].finish()
                self._left.append(self.backlogs.pop(name))
        self._opened.close()
        self._opened_names.clear()

    def _until_none_is_stale(self) -> Iterator[BackfillOutcome]:
        n_updates = 1
        while n_updates:
            for backlog in self._live():
                yield from backlog.clear()
            n_updates = sum(backlog.n_updates for backlog in self._live())
            log.info("index=%s pass updates=%d", self.options.index, n_updates)
        for backlog in self._live():
            backlog.handle.keep_record()
            backlog.settle()

    def _live(self) -> list[Backlog]:
        """Return the backlogs of those indices that the name stands for now."""
        return [self.backlogs[name] for name in self.names]

    def _waited_for_writes(self) -> bool:
        """Return whether anything was written, once it was; False if the run is to stop."""
        live = self._live()
        while not self.stop.wait(self.options.poll_s):
            if self._patiently(self._now) != {one.target.index: one.handle.uuid for one in live}:
                return True
            if any(not backlog.is_empty() for backlog in live):
                return True
        return False

    def _now(self) -> dict[str, str]:
        """Return the indices that the name stands for, and which they are, by their uuids.

        Of a data stream no alias tells them.
        """
        asked = {"name": UUID, "params": {"flat_settings": "true"}}
        try:
            found = self.client.indices.get_settings(index=self.options.index, **asked)
        except NotFoundError as error:
            require_no_index(error)
            return {}
        return {name: part(one, UUID, kind=str) for name, one in parts(found, "settings").items()}

    def _patiently(self, step: Callable[[], T], *, is_first: bool = False) -> T:
        return retried(step, self.options.patience, self.stop, is_first=is_first)

    def _open(self) -> None:
        """Open those indices that the name stands for now, and that are not open yet."""
        found, is_first = self._patiently(self._mappings), not self.backlogs
        self.names = sorted(found)
        new = [name for name in self.names if name not in self._opened_names]
        if len(found) > 1 and self.options.dead_letters:
            raise ValueError(
                f"{self.options.index!r} stands for {', '.join(sorted(found))}: each has dead "
                "letters of its own, so leave the file out"
            )
        of_alias = partial(alias_filters, self.client, self.options.index)
        filters = self._patiently(of_alias) if new else {}
        for name in new:
            options = self.options.within(filters.get(name))
            self._warn_of_copies(name, found[name])
            target = self._patiently(partial(self._prepared, name))
            stop = self.stop.part()
            self.backlogs[name] = self._opened.enter_context(
                open_backlog(self.client, self.encoder, target, options, stop)
            )
            self._opened_names.add(name)
        if is_first:
            self.n_done_before = sum(self.counts.values())

    def _mappings(self) -> dict[str, dict[str, Any]]:
        """Return the mappings of the indices, which have to fit."""
        name, fields = self.options.index, self.options.fields
        found = read_mappings(self.client, name)
        for index, mappings in found.items():
            records = records_of(index, mappings)
            field = impacts_name([records], fields, self.encoder)
            if field in records:
                check_record(records[field], index, field, self.encoder)
            check_whole(index, mappings, field)
            check_names(index, mappings, fields.text_fields)
        there = {path for mappings in found.values() for path in field_paths(mappings)}
        if fields.text not in there:
            raise MappingError(
                f"index {name!r} has no field {fields.text!r} (--text-field); it has "
                f"{', '.join(sorted(there)) or NO_FIELDS}"
            )
        self._warn_of_lacking(there)
        return found

    def _warn_of_lacking(self, there: Collection[str]) -> None:
        """Tell the log, once, of fields that were named and that no index has."""
        lacking = [name for name in self.options.fields.expected if name not in there]
        if lacking and not self.backlogs:
            log.warning(
                "index=%s: no mapping has a field %s, so that impacts are made without (it has "
                "%s); if that is not meant, run it again with --title-field or --template",
                *(self.options.index, " or ".join(map(repr, lacking)), ", ".join(sorted(there))),
            )

    def _warn_of_copies(self, index: str, mappings: Mapping[str, Any]) -> None:
        """Tell the log of texts that documents may not have, though their fields are searched."""
        for name in self.options.fields.text_fields:
            if origins := copied_from(mappings, name):
                log.warning(
                    "index=%s: %r is filled by copies (copy_to) of %s, which are no part of a "
                    "document: one that does not hold it itself has no text. Name these fields",
                    index,
                    name,
                    ", ".join(origins),
                )

    def _prepared(self, index: str) -> Target:
        """Return where the impacts of one index go, once its mapping takes them."""
        options = self.options
        ensure_index(
            self.client,
            index,
            self.encoder,
            options.fields,
            cut=options.cut,
            scoring=options.scoring,
            among=options.index,
        )
        return find_target(self.client, self.encoder, index, options.fields, options.cut)

    def _check_where(self) -> None:
        """Raise `ValueError` for a query that the cluster does not understand."""
        if self.options.where is None:
            return
        body = {"query": self.options.where}

        def ask() -> None:
            try:
                self.client.count(index=self.options.index, body=body)
            except RequestError as error:
                raise ValueError(f"where={self.options.where}: {describe(error)}") from error
            except NotFoundError as error:
                require_no_index(error)
                raise MappingError(f"no index {self.options.index!r}") from error

        self._patiently(ask)
