"""A rewrite rule: which of an application's own searches are changed, how, and for whom."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias, get_args

from ...paths import StrPath

Mode: TypeAlias = Literal["rescore", "hybrid"]
Arm: TypeAlias = Literal["control", "treatment"]
Failure: TypeAlias = Literal["pass", "raise"]
Texts: TypeAlias = Literal["hash", "plain"]

MOST_WINDOW = 10_000
"""The server's own limit of what is rescored, or fetched, unless an index says otherwise."""


@dataclass(frozen=True)
class Rule:
    """Searches of `indices` (names or patterns) whose queries ask `fields` for a text.

    `text_field`: whose impacts are searched for it; None is the only one of `fields`. `mode`:
    `rescore` orders the `window` best hits of each shard anew, `hybrid` fuses as many with as many
    that SPLARE finds. `weight` is SPLARE's, beside 1 of the application's own. Of those who search,
    told apart by the request header `header`, `percentage` get this; a request without it belongs
    to the arm `without_header`. `on_failure`: a search whose rewriting fails passes as it is, or
    raises.
    """

    name: str
    indices: tuple[str, ...]
    fields: tuple[str, ...]
    text_field: str | None = None
    mode: Mode = "rescore"
    window: int = 100
    weight: float = 1.0
    percentage: float = 100.0
    header: str | None = None
    without_header: Arm = "control"
    on_failure: Failure = "pass"

    def __post_init__(self) -> None:
        """Refuse what is no rule, by the name of its key."""
        _check_name("name", self.name)
        for key in ("indices", "fields"):
            _check_names(key, getattr(self, key))
        for key in ("text_field", "header"):
            if getattr(self, key) is not None:
                _check_name(key, getattr(self, key))
        for key, kind in (("mode", Mode), ("without_header", Arm), ("on_failure", Failure)):
            check_choice(key, getattr(self, key), get_args(kind))
        is_whole = isinstance(self.window, int) and not isinstance(self.window, bool)
        if not is_whole or not 1 <= self.window <= MOST_WINDOW:
            raise ValueError(f"window={self.window!r}: give a whole number from 1 to {MOST_WINDOW}")
        if not _is_number(self.weight) or not 0 < self.weight < math.inf:
            raise ValueError(f"weight={self.weight!r}: give a number above 0")
        if not _is_number(self.percentage) or not 0 <= self.percentage <= 100:
            raise ValueError(f"percentage={self.percentage!r}: give a number from 0 to 100")
        self._check_keys_together()

    def _check_keys_together(self) -> None:
        if starred := [name for name in self.fields if "*" in name]:
            raise ValueError(f"fields={starred}: name each field, without a '*'")
        if self.text_field is None and len(self.fields) > 1:
            raise ValueError(
                f"text_field is missing: of {', '.join(self.fields)}, whose impacts are searched?"
            )
        if self.header is None and 0 < self.percentage < 100:
            raise ValueError(
                f"header is missing: percentage={self.percentage!r} needs a request header that "
                "tells users or sessions apart"
            )

    @property
    def searched_field(self) -> str:
        """The text field whose impacts are searched."""
        return self.text_field or self.fields[0]

    def covers(self, index: str | None) -> bool:
        """Return whether a request for `index` is one of this rule: each of its names has to be.

        >>> rule = Rule("r", ("books", "films-*"), ("text",))
        >>> rule.covers("books,films-2"), rule.covers("books,music"), rule.covers(None)
        (True, False, False)
        """
        names = [name.removeprefix("-") for name in (index or "_all").split(",")]
        return all(any(fnmatchcase(name, one) for one in self.indices) for name in names)

    def is_asked(self, fields: Iterable[str]) -> bool:
        """Return whether a query on `fields` (names or patterns; none: all) asks one of the rule's.

        >>> rule = Rule("r", ("books",), ("title", "text"), "text")
        >>> rule.is_asked(["t*"]), rule.is_asked([]), rule.is_asked(["title.prefix"])
        (True, True, False)
        """
        asked = list(fields)
        return not asked or any(fnmatchcase(own, one) for own in self.fields for one in asked)


@dataclass(frozen=True)
class LogOptions:
    """Where searches are logged, None: nowhere; and whether as `plain` texts or their `hash`."""

    path: StrPath | None = None
    texts: Texts = "hash"

    def __post_init__(self) -> None:
        """Refuse what is none, by the name of its key."""
        check_choice("texts", self.texts, get_args(Texts))


@dataclass(frozen=True)
class Rules:
    """All rules of a client, of which the first that fits a search is taken, and its log."""

    rules: tuple[Rule, ...] = ()
    log: LogOptions = field(default_factory=LogOptions)

    def __post_init__(self) -> None:
        """Refuse two rules of one name: the log could not tell them apart."""
        names = [rule.name for rule in self.rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"name={twice[0]!r} is given twice: call each rule otherwise")

    def covering(self, index: str | None) -> list[Rule]:
        """Return the rules of a request for `index`, in their order."""
        return [rule for rule in self.rules if rule.covers(index)]


def check_choice(key: str, value: object, choices: tuple[object, ...]) -> None:
    """Raise `ValueError` for what cannot be chosen."""
    if value not in choices:
        raise ValueError(f"{key}={value!r}: choose one of {', '.join(map(str, choices))}")


def _check_name(key: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key}={value!r}: give a name")


def _check_names(key: str, value: object) -> None:
    if not isinstance(value, tuple) or not value:
        raise ValueError(f"{key}={value!r}: give a list of at least one name")
    for one in value:
        _check_name(key, one)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
