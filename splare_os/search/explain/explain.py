"""Why a document was found: the latents it shares with the query, and what each adds."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

from ...encoder import Encoder, Spans, some_spans
from ...errors import EncoderError
from ...impacts import Impacts, as_stored, to_features
from .words import trimmed, widened

Span: TypeAlias = tuple[int, int]
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
    """A contribution with its share, and where the latent came from, in query and document.

    `share` is that of the score of all matches together, of a lone one all. A span is [start, end)
    in characters of the query, or of the text that was encoded for the document; None: not known,
    or the impact has no place in the text (it comes from a prompt). The texts are spans widened to
    whole words. `label` tells what the latent stands for, if labels were asked for and it has one.
    """

    query_text: str
    document_text: str
    share: float = 1.0
    query_span: Span | None = None
    document_span: Span | None = None
    label: str | None = None


def matches(
    encoder: Encoder, query: str, document: str, contributions: Sequence[Contribution]
) -> list[Match]:
    """Return `contributions` with the spans that they come from, as the encoder tells them.

    `document` is the text that was encoded. A model that has no spans leaves them unknown.
    """
    return matches_of_all(encoder, query, [document], [contributions])[0]


def matches_of_all(
    encoder: Encoder,
    query: str,
    documents: Sequence[str | None],
    contributions: Sequence[Sequence[Contribution]],
) -> list[list[Match]]:
    """Return what `matches` does for each document, with the encoder asked only twice.

    None is a document whose text is not known, or not asked for its places: it is not encoded.
    """
    latents = [[one.latent for one in shared] for shared in contributions]
    query_spans, document_spans = _spans(encoder, query, documents, latents)
    return [
        matched((query, query_spans), (text or "", spans), shared)
        for text, spans, shared in zip(documents, document_spans, contributions, strict=True)
    ]


def matched(
    query: SpannedText, document: SpannedText, contributions: Sequence[Contribution]
) -> list[Match]:
    """Return `contributions` with their shares, and the spans that query and document have."""
    total = sum(one.score for one in contributions)
    return [
        Match(
            **asdict(one),
            query_text=_word_of(one.latent, *query),
            document_text=_word_of(one.latent, *document),
            share=one.score / total if total else 0.0,
            query_span=_span_of(one.latent, query[1]),
            document_span=_span_of(one.latent, document[1]),
        )
        for one in contributions
    ]


def _spans(
    encoder: Encoder, query: str, documents: Sequence[str | None], latents: Sequence[Sequence[int]]
) -> tuple[Spans, list[Spans]]:
    of_documents: list[Spans] = [{} for _ in documents]
    known = {at: text for at, text in enumerate(documents) if text is not None}
    if not documents:
        return {}, of_documents
    try:
        of_query = encoder.spans([query], query=True)[0]
        if known:
            found = some_spans(encoder, list(known.values()), [latents[at] for at in known])
            for at, spans in zip(known, found, strict=True):
                of_documents[at] = spans
    except EncoderError:
        return {}, [{} for _ in documents]
    return of_query, of_documents


def _span_of(latent: int, spans: Spans) -> Span | None:
    start, end = spans.get(latent, (0, 0))
    return (start, end) if start < end else None


def _word_of(latent: int, text: str, spans: Spans) -> str:
    return word_at(text, *spans.get(latent, (0, 0)))


def word_at(text: str, start: int, end: int) -> str:
    """Return text[start:end] widened to whole words, without white space around it.

    >>> word_at("the embargoes ended", 6, 9)
    'embargoes'
    >>> word_at("the end", 0, 0)
    ''
    """
    start, end = widened(text, *trimmed(text, start, end))
    return text[start:end]
