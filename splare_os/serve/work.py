"""What an encoder makes of a batch: impacts, or explanations, a part for each slice.

Runs in a thread of the encoder's own, and knows of no event loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self, TypeAlias

from ..encoder import Encoder, GivesWholeQueries, Spans, is_able
from ..errors import SplareError
from ..impacts import Impacts, stack
from ..layout.field import bad_impacts
from ..layout.field_json import features_json
from .queue import Batch, Kind, Slice


class Made:
    """Impacts [text, latent] of a whole batch: those who share it have its JSON made once."""

    def __init__(self, impacts: Impacts) -> None:
        self.impacts = impacts

    @cached_property
    def features(self) -> list[bytes]:
        """Each text's impacts as JSON, as an index keeps them; asked for by one thread."""
        return features_json(self.impacts)


@dataclass(frozen=True)
class Rows:
    """Texts [start, end) of what was made of a batch."""

    made: Made
    start: int
    end: int

    @classmethod
    def of(cls, impacts: Impacts) -> Self:
        """Return all rows."""
        return cls(Made(impacts), 0, impacts.shape[0])

    @property
    def impacts(self) -> Impacts:
        """Impacts [text, latent] of these alone, a copy."""
        return self.made.impacts[self.start : self.end]

    @property
    def features(self) -> list[bytes]:
        """The JSON of each."""
        return self.made.features[self.start : self.end]


@dataclass(frozen=True)
class Explanations:
    """Impacts [text, latent], and for each text where they come from."""

    impacts: Impacts
    spans: Sequence[Spans]


Part: TypeAlias = Rows | Explanations


class UnreadableTextError(Exception):
    """One text of a request cannot be encoded; `position` says which, the message why."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"text {position}: {reason}")
        self.position = position


class ModelFailedError(Exception):
    """The model failed, whatever the texts; the message is the kind of its error."""


def answers(encoder: Encoder, batch: Batch) -> list[Part | Exception]:
    """Return the answer to each slice of a batch, or why it has none.

    What the encoder raises is one text's fault, found by encoding one by one, unless every text
    meets it, and a plain one too: then it is the model's.
    """
    try:
        return list(_parts(encoder, batch))
    except SplareError as error:
        return [error for _ in batch.slices]
    except Exception as error:  # noqa: BLE001  # the next batch may fare better
        found = [_one_by_one(encoder, batch.kind, each) for each in batch.slices]
        is_models = not (isinstance(error, ValueError) or _any_good(found) or is_able(encoder))
        return [ModelFailedError(type(error).__name__) for _ in found] if is_models else found


def _parts(encoder: Encoder, batch: Batch) -> list[Part]:
    made = _encoded(encoder, batch.kind, batch.texts)
    parts: list[Part] = []
    start = 0
    for each in batch.slices:
        end = start + each.end - each.start
        if isinstance(made, Explanations):
            parts.append(Explanations(made.impacts[start:end], made.spans[start:end]))
        else:
            parts.append(Rows(made.made, start, end))
        start = end
    return parts


def _encoded(encoder: Encoder, kind: Kind, texts: list[str]) -> Part:
    if kind == "document":
        return Rows.of(_checked(encoder.encode_documents(texts)))
    if kind == "query":
        return Rows.of(_checked(encoder.encode_queries(texts)))
    if kind == "whole_query":
        return Rows.of(_checked(_whole(encoder, texts)))
    if kind == "query_explanation":
        return Explanations(_whole(encoder, texts), encoder.spans(texts, query=True))
    return Explanations(encoder.encode_documents(texts), encoder.spans(texts))


def _whole(encoder: Encoder, texts: list[str]) -> Impacts:
    if isinstance(encoder, GivesWholeQueries):
        return encoder.encode_whole_queries(texts)
    return encoder.encode_queries(texts)


def _checked(impacts: Impacts) -> Impacts:
    """Return impacts that an index can hold; `ValueError` names the first that it cannot."""
    for reason in bad_impacts(impacts).values():
        raise ValueError(reason)
    return impacts


def _one_by_one(encoder: Encoder, kind: Kind, each: Slice) -> Part | Exception:
    parts: list[Part] = []
    for at, text in enumerate(each.texts):
        try:
            parts.append(_encoded(encoder, kind, [text]))
        except SplareError as error:
            return error
        except (ValueError, RuntimeError) as error:
            return UnreadableTextError(each.start + at, str(error))
        except Exception as error:  # noqa: BLE001  # what others say may tell anything
            return UnreadableTextError(each.start + at, type(error).__name__)
    return joined(parts)


def _any_good(found: Sequence[Part | Exception]) -> bool:
    return any(not isinstance(one, Exception) for one in found)


def joined(parts: Sequence[Part]) -> Part:
    """Return parts of one kind under one another; there must be at least one."""
    if len(parts) == 1:
        return parts[0]
    whole = stack([part.impacts for part in parts])
    spans = [span for part in parts if isinstance(part, Explanations) for span in part.spans]
    return Explanations(whole, spans) if isinstance(parts[0], Explanations) else Rows.of(whole)
