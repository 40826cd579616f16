"""Statistics of a collection: how many documents there are, how many show each latent, how long.

A latent's impact says how strongly a text shows it, not how rare it is here. Statistics say that;
`scoring` puts both together.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .impacts import Impacts

PRIOR_DOCUMENTS = 100
"""How many documents of the collection weigh as much as the whole prior."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """`document_frequency` [latent] counts the documents that show a latent, of `documents`.

    `length` is the sum of all their impacts. Numbers of a sample are scaled to the whole, so they
    need not be whole numbers.
    """

    documents: float
    document_frequency: NDArray[np.float64]
    length: float

    @classmethod
    def of(cls, impacts: Impacts) -> Self:
        """Return the statistics of impacts [text, latent]; a text without impacts counts too."""
        counts = np.bincount(impacts.indices, minlength=impacts.shape[1]).astype(np.float64)
        return cls(impacts.shape[0], counts, float(impacts.data.sum(dtype=np.float64)))

    @classmethod
    def none(cls, n_latents: int) -> Self:
        """Return the statistics of no document."""
        return cls(0, np.zeros(n_latents), 0.0)

    def __add__(self, other: "Statistics") -> "Statistics":
        """Return the statistics of both collections together."""
        both = self.document_frequency + other.document_frequency
        return Statistics(self.documents + other.documents, both, self.length + other.length)

    def scaled(self, documents: float) -> "Statistics":
        """Return the statistics of a collection of the same kind with so many documents."""
        share = documents / self.documents if self.documents else 0.0
        return Statistics(documents, self.document_frequency * share, self.length * share)

    @property
    def mean_length(self) -> float:
        """The mean sum of a document's impacts; 0 if there is no document."""
        return self.length / self.documents if self.documents else 0.0

    def with_prior(self, prior: "Statistics | None") -> "Statistics":
        """Return these statistics and, as if they were `PRIOR_DOCUMENTS` more, those of a prior.

        So the first documents of a collection do not turn its ranking about, and at 10,000 the
        prior is 1 % of what is known.
        """
        return self if prior is None else self + prior.scaled(PRIOR_DOCUMENTS)

    def idf(self) -> NDArray[np.float64]:
        """Return the inverse document frequency [latent], ln(1 + (N − df + ½) / (df + ½)), > 0.

        A latent that no document shows weighs as one that a single document shows: it must not
        take the place of those that are there. The same for all latents where nothing is known.
        Source: Lucene's `BM25Similarity`.

        >>> Statistics(3, np.array([3.0, 1.0, 0.0]), 1.0).idf().round(4).tolist()
        [0.1335, 0.9808, 0.9808]
        """
        present = np.maximum(self.document_frequency, 1)
        absent = np.maximum(self.documents - present, 0)
        return np.log1p((absent + 0.5) / (present + 0.5))
