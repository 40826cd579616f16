"""Texts of an index that no label is made of: on them labels are tried."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...impacts import Impacts, empty
from ...layout.labels import Label
from ..hits.reading import Reader, ids_query
from ..query.query import Dsl
from .predicting import predictions
from .vocabulary import Vocabulary, words_of

MOST_HELD_OUT = 1000

SHARE = 0.25
"""Of an index no more is held out."""


@dataclass(frozen=True)
class HeldOut:
    """The ids of held-out documents, their `terms` and their `impacts` [document, latent]."""

    ids: tuple[str, ...]
    terms: list[frozenset[str]]
    impacts: Impacts
    vocabulary: Vocabulary

    @property
    def others(self) -> Dsl:
        """The query of all documents but these."""
        return {"bool": {"must_not": [ids_query(self.ids)]}}

    def scored(self, labels: Sequence[Label]) -> list[Label]:
        """Return labels with how well their words tell which of these texts show their latents."""
        split = [words_of(label.label) for label in labels]
        self.vocabulary.learn(word for words in split for word in words)
        terms = [set(map(self.vocabulary.term, words)) for words in split]
        latents = [label.latent for label in labels]
        shown = self.impacts.tocsc()[:, latents].toarray() > 0
        found = predictions(terms, latents, self.terms, np.asarray(shown))
        return [
            replace(label, score=one.score, baseline=one.baseline, held_out=one.shown)
            for label, one in zip(labels, found, strict=True)
        ]


def hold_out(reader: Reader, vocabulary: Vocabulary, documents: int, *, seed: int = 0) -> HeldOut:
    """Return documents of an index of so many, drawn at random: the same ones, while it rests.

    At most `MOST_HELD_OUT`, and at most a quarter of those there are.
    """
    size = min(MOST_HELD_OUT, int(SHARE * documents))
    if not size:
        return HeldOut((), [], empty(0, reader.encoder.n_latents), vocabulary)
    found = reader.read({"match_all": {}}, size, seed=seed)
    ids = tuple(name for _, name in found.keys)
    return HeldOut(ids, vocabulary.terms(found.texts), found.impacts, vocabulary)
