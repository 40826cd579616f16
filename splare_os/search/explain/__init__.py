"""Why a document was found.

explain: the latents that it shares with the query; words: around the spans that they come from;
html: for notebooks. found: documents as the index holds them. evidence: why hits of replies match.
"""

from .explain import Contribution, Match, explain, matches

__all__ = ["Contribution", "Match", "explain", "matches"]
