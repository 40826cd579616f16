"""Reasons of dead letters, counted by kind: without what is one document's own."""

import re
from collections import Counter
from collections.abc import Iterable

import orjson

MOST_KINDS = 30
"""Kinds that are told apart; what comes later is counted as `OTHERS`."""

OTHERS = "others"
SHOWN = 120

QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
NUMBER = re.compile(r"\d+")


def kind_of(reason: str) -> str:
    """Return a reason without values and numbers, which differ from document to document.

    >>> kind_of("mapper_parsing_exception: failed to parse field [year] in document with id 'd7'")
    "mapper_parsing_exception: failed to parse field [year] in document with id '…'"
    """
    kind = NUMBER.sub("…", QUOTED.sub("'…'", " ".join(reason.split())))
    return kind if len(kind) <= SHOWN else kind[: SHOWN - 1] + "…"


def count_kinds(kinds: Counter[str], letters: Iterable[bytes]) -> None:
    """Add the reasons of dead letters, JSON lines, to what is counted by kind."""
    for letter in letters:
        try:
            kind = kind_of(str(orjson.loads(letter)["reason"]))
        except (ValueError, KeyError, TypeError):  # somebody else's line
            kind = OTHERS
        kinds[kind if kind in kinds or len(kinds) < MOST_KINDS else OTHERS] += 1
