"""What documents say of a latent: their characteristic words, and those that the latent is from."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...encoder import Encoder, Spans
from ...errors import EncoderError
from ..explain.explain import word_at
from .vocabulary import Vocabulary, words_of

REMEMBERED = 2000
"""Documents whose spans are kept for other latents: frequent ones share their documents."""

AROUND = 60
"""Characters of an excerpt on either side of the word."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document in which a latent is heavy, and the text that was encoded."""

    index: str
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Witness:
    """Terms that are characteristic of a latent's documents, and the heaviest of these."""

    latent: int
    terms: tuple[str, ...]
    documents: tuple[Document, ...]


class Evidence:
    """Asks the encoder for spans, each document once while it is remembered."""

    def __init__(self, encoder: Encoder, vocabulary: Vocabulary) -> None:
        self._encoder, self._vocabulary = encoder, vocabulary
        self._spans: OrderedDict[Document, Spans] = OrderedDict()

    def look_at(self, documents: Iterable[Document]) -> None:
        """Ask for the spans of documents that are not remembered, in one call."""
        wanted = list(dict.fromkeys(documents))
        new = [one for one in wanted if one not in self._spans]
        try:
            spans = self._encoder.spans([one.text for one in new]) if new else []
        except EncoderError:
            spans = [{} for _ in new]
        self._spans.update(zip(new, spans, strict=True))
        for one in wanted:
            self._spans.move_to_end(one)
        while len(self._spans) > max(REMEMBERED, len(wanted)):
            self._spans.popitem(last=False)

    def of(
        self, witness: Witness
    ) -> tuple[tuple[str, ...], tuple[str, ...], list[tuple[Document, str]]]:
        """Return characteristic words, trigger words and an excerpt of each document.

        The documents have been looked at. Words are as they spell them, in small letters. Trigger
        words are those that the latent came from, the most frequent first; none for a model
        without spans.
        """
        documents = witness.documents
        words = self._vocabulary.spelt(witness.terms, [one.text for one in documents])
        pairs = [(one, self._spans[one].get(witness.latent)) for one in documents]
        found = [words_of(word_at(one.text, *place)) for one, place in pairs if place]
        counts = Counter(word for each in found for word in each)
        triggers = tuple(sorted(counts, key=lambda word: (-counts[word], word)))
        return words, triggers, [(one, excerpt(one.text, place)) for one, place in pairs]

    def distinct(self, words: Sequence[str]) -> list[str]:
        """Return the first of the words that are one term to the index."""
        self._vocabulary.learn(words)
        found: dict[str, str] = {}
        for word in words:
            found.setdefault(self._vocabulary.term(word), word)
        return list(found.values())


def excerpt(text: str, place: tuple[int, int] | None) -> str:
    """Return the text around a place, on one line; its beginning where there is none.

    >>> excerpt("one two three", (4, 7))
    'one two three'
    """
    start, end = place or (0, AROUND)
    first, last = max(0, start - AROUND), min(len(text), end + AROUND)
    while 0 < first < start and not text[first - 1].isspace():
        first += 1
    while end < last < len(text) and not text[last].isspace():
        last -= 1
    shown = " ".join(text[first:last].split())
    return f"{'… ' if first else ''}{shown}{' …' if last < len(text) else ''}"
