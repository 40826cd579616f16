"""Why a document was found: the latents it shares with the query, and what each adds."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

from ..encoder import Encoder, Spans
from ..errors import EncoderError
from ..impacts import Impacts, as_stored, to_features

SpannedText: TypeAlias = tuple[str, Spans]


@dataclass(frozen=True)
class Contribution:
    """One shared latent; `score` is the product of the two impacts, each as it scores.

    Calibrated, the query's is weighed by idf and the document's saturated.
    """

    latent: int
    query_impact: float
    document_impact: float
    score: float


def explain(
    query: Impacts, document: Mapping[str, float], *, k1: float | None = None
) -> list[Contribution]:
    """Return the latents that `query` [1, latent] and a document share, largest score first.

    `query` are the weights that scored, `document` the impacts by latent name, as `_source`
    carries them; `k1` as in `translate`. The scores add up to the document's score, in float32.
    """
    found = []
    for latent, impact in to_features(query).items():
        if latent in document:
            stored = as_stored(float(document[latent]))
            if k1 is not None:
                stored *= (k1 + 1) / (stored + k1)
            found.append(Contribution(int(latent), impact, stored, impact * stored))
    return sorted(found, key=lambda contribution: (-contribution.score, contribution.latent))


@dataclass(frozen=True)
class Match(Contribution):
    """A contribution with the words that the latent came from, in the query and the document.

    `label` tells what the latent stands for, where labels were asked for and it has one.
    """

    query_text: str
    document_text: str
    label: str | None = None


def matches(
    encoder: Encoder, query: str, document: str, contributions: Sequence[Contribution]
) -> list[Match]:
    """Return `contributions` with the words that they come from, by the encoder's spans.

    `document` is the text that was encoded. Words are empty where an impact has no place in the
    text (it comes from a prompt), and for a model that has no spans.
    """
    return matches_of_all(encoder, query, [document], [contributions])[0]


def matches_of_all(
    encoder: Encoder,
    query: str,
    documents: Sequence[str],
    contributions: Sequence[Sequence[Contribution]],
) -> list[list[Match]]:
    """Return what `matches` does for each document, with the encoder asked only twice."""
    query_spans, document_spans = _spans(encoder, query, documents)
    return [
        [_match(one, (query, query_spans), (document, spans)) for one in shared]
        for document, spans, shared in zip(documents, document_spans, contributions, strict=True)
    ]


def _spans(encoder: Encoder, query: str, documents: Sequence[str]) -> tuple[Spans, list[Spans]]:
    if not documents:
        return {}, []
    try:
        return encoder.spans([query], query=True)[0], encoder.spans(documents)
    except EncoderError:
        return {}, [{} for _ in documents]


def _match(one: Contribution, query: SpannedText, document: SpannedText) -> Match:
    return Match(
        **asdict(one),
        query_text=_word_of(one.latent, *query),
        document_text=_word_of(one.latent, *document),
    )


def _word_of(latent: int, text: str, spans: Spans) -> str:
    return word_at(text, *spans.get(latent, (0, 0)))


def word_at(text: str, start: int, end: int) -> str:
    """Return text[start:end] widened to whole words: tokens are often parts of one.

    >>> word_at("the embargoes ended", 6, 9)
    'embargoes'
    >>> word_at("the end", 0, 0)
    ''
    """
    if start == end:
        return ""
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return text[start:end]
