"""What an index does to impacts before it stores them, by the scoring that it is made for."""

from collections.abc import Iterable

from ..encoder import Encoder, own_prior
from ..errors import MappingError
from ..scoring import K1, B, Saturation, Scoring, check_scoring
from .records import FieldRecord

DIGITS = 4
"""Of a mean length, so that a record is short."""


def default_saturation(encoder: Encoder, scoring: Scoring | None) -> Saturation | None:
    """Return what a new index stores impacts through; None for `dot`: as the model gives them.

    A document's length counts beside the mean length in the model's prior; without a prior it
    does not count.
    """
    check_scoring(scoring)
    if scoring == "dot":
        return None
    prior = own_prior(encoder)
    if prior is None or not prior.mean_length:
        return Saturation(K1)
    return Saturation(K1, B, round(prior.mean_length, DIGITS))


def chosen_saturation(
    encoder: Encoder, scoring: Scoring | None, known: Iterable[FieldRecord]
) -> Saturation | None:
    """Return what an index stores impacts through, by the records that its name stands for.

    `MappingError` if they are of another scoring than the one that is asked for.
    """
    first = next(iter(known), None)
    if first is None:
        return default_saturation(encoder, scoring)
    stored: Scoring = "dot" if first.saturation is None else "calibrated"
    if scoring not in {None, stored}:
        raise MappingError(
            f"scoring={scoring!r}: the index stores impacts for {stored!r}. Leave it out, or "
            "index into a new index"
        )
    return first.saturation
