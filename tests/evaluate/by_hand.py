"""Calibrated scores of hashed words, number by number from their formula.

A score is Σ q · idf^α · x · (k1 + 1) / (x + k1 · (1 - b + b · length / mean length)), where idf is
ln(1 + (N - df + ½) / (df + ½)).
"""

from math import log

from splare_os.impacts import as_stored
from splare_os.scoring import ALPHA, K1

ONCE, TWICE = 0.5, 1.0
"""Impacts of a word that a text holds once, and twice."""


def asked(impact: float, *, documents: float, having: float) -> float:
    """Return q · idf^α: the weight of a query's word that `having` of `documents` have."""
    return impact * log(1 + (documents - having + 0.5) / (having + 0.5)) ** ALPHA


def kept(impact: float, *, b: float = 0.0, length_to_mean: float = 1.0) -> float:
    """Return x · (k1 + 1) / (x + …) of a document's word, in the nine bits that Lucene keeps."""
    return as_stored(impact * (K1 + 1) / (impact + K1 * (1 - b + b * length_to_mean)))
