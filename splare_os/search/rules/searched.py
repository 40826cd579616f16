"""The log of searches: a line each, by which the arms of a rollout are compared."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...forks import SafeLock
from .rule import Arm, LogOptions, Rule

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Searched:
    """A search that a rule fits: `text` as it was asked, `first` the rank of its first hit, from 0.

    `arm` None: no arm changes such a search. `why`: why it went out as it was, in the treatment or
    in none. `shows_ids`: its reply tells the ids of its hits.
    """

    rule: Rule
    index: str | None
    text: str
    first: int
    arm: Arm | None
    why: str | None = None
    shows_ids: bool = True


class SearchLog:
    """Writes to a file, if there is one, and to Python's logging (which is told no texts)."""

    def __init__(self, options: LogOptions) -> None:
        self._options, self._lock, self._is_failing = options, SafeLock(), False

    def __call__(self, searched: Searched, reply: Mapping[str, Any]) -> None:
        """Write the line of a search that was answered; a full disk ends no search."""
        line = self._line(searched, reply)
        log.info(
            "searched rule=%s index=%s arm=%s changed=%s hits=%s took_ms=%s",
            *(line["rule"], line["index"], line["arm"], line["changed"]),
            *(None if line["hits"] is None else len(line["hits"]), line["took_ms"]),
        )
        if self._options.path is None:
            return
        try:
            with self._lock, Path(self._options.path).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._is_failing = False
        except OSError as error:
            if not self._is_failing:
                log.warning("search log %s: cannot be written: %s", self._options.path, error)
            self._is_failing = True

    def _line(self, searched: Searched, reply: Mapping[str, Any]) -> dict[str, Any]:
        is_plain = self._options.texts == "plain"
        asked = {"text": searched.text} if is_plain else {"text_hash": text_hash(searched.text)}
        hits = reply.get("hits")
        hits = hits if isinstance(hits, Mapping) else {}
        total, ids = hits.get("total"), [hit.get("_id") for hit in hits.get("hits", ())]
        return {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "rule": searched.rule.name,
            "mode": searched.rule.mode,
            "index": searched.index,
            "arm": searched.arm,
            "changed": searched.arm == "treatment" and searched.why is None,
            "why": searched.why,
            **asked,
            "from": searched.first,
            "hits": ids if searched.shows_ids and None not in ids else None,
            "total": total.get("value") if isinstance(total, Mapping) else total,
            "took_ms": reply.get("took"),
        }


def text_hash(text: str) -> str:
    """Return what stands for a text in a log: it tells nothing, but to who guesses the text.

    >>> text_hash(" oil  embargo")
    '05304bdc7cffde74'
    """
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]
