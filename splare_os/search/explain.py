"""Why a document was found: the latents it shares with the query, and what each adds."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..impacts import Impacts, as_stored, to_features


@dataclass(frozen=True)
class Contribution:
    """One shared latent; `score` is the product of both impacts, the document's as stored."""

    latent: int
    query_impact: float
    document_impact: float
    score: float


def explain(query: Impacts, document: Mapping[str, float]) -> list[Contribution]:
    """Return the latents that `query` [1, latent] and a document share, largest score first.

    `document` are the impacts by latent name, as `_source` carries them. The scores add up to
    the document's score, in float32.
    """
    found = []
    for latent, impact in to_features(query).items():
        if latent in document:
            stored = as_stored(float(document[latent]))
            found.append(Contribution(int(latent), impact, stored, impact * stored))
    return sorted(found, key=lambda contribution: (-contribution.score, contribution.latent))
