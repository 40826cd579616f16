"""Words of texts, and the terms that an index's analyzer makes of them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from opensearchpy import OpenSearch

from ...reply import rows
from ..explain.words import is_mark

WORD = re.compile(r"\w+")
"""A word without marks, which are of no class of `re`: vowels of many scripts, and accents."""

WORDS_A_REQUEST = 2000
"""A server analyzes 10,000 terms at once, and may make several of one word."""


def words_of(text: str) -> list[str]:
    """Return the words of a text, in small letters.

    >>> words_of("Oil, and OPEC's price")
    ['oil', 'and', 'opec', 's', 'price']
    >>> words_of("तेल की कीमत")
    ['तेल', 'की', 'कीमत']
    """
    text = text.lower()
    marks = "" if text.isascii() else "".join(filter(is_mark, set(text)))
    return re.findall(rf"\w[\w{marks}]*", text) if marks else WORD.findall(text)


class Vocabulary:
    """The terms of one text field: each word is asked for once.

    What the analyzer leaves out, such as "the", is its own term: a latent may stand for that too.
    """

    def __init__(self, client: OpenSearch, index: str, field: str) -> None:
        self._client, self._index, self._field = client, index, field
        self._terms: dict[str, str] = {}
        self._spelt: dict[str, str] = {}

    def learn(self, words: Iterable[str]) -> None:
        """Ask for the terms of words that are new."""
        new = sorted(set(words) - self._terms.keys())
        for first in range(0, len(new), WORDS_A_REQUEST):
            self._terms |= self._asked(new[first : first + WORDS_A_REQUEST])

    def term(self, word: str) -> str:
        """Return the term of a word that was learnt."""
        return self._terms[word]

    def terms(self, texts: Iterable[str]) -> list[frozenset[str]]:
        """Return the terms of texts, learning what is new."""
        split = [words_of(text) for text in texts]
        counts = Counter(word for words in split for word in words)
        self.learn(counts)
        self._spelt = self._spellings(counts) | self._spelt
        return [frozenset(map(self.term, words)) for words in split]

    def spelt(self, terms: Iterable[str], texts: Iterable[str]) -> tuple[str, ...]:
        """Return for each term the word that most often stands for it in texts.

        Or else in those whose terms were asked for, or the term itself.
        """
        counts = Counter(word for text in texts for word in words_of(text))
        self.learn(counts)
        known = self._spelt | self._spellings(counts)
        return tuple(known.get(term, term) for term in terms)

    def _spellings(self, counts: Counter[str]) -> dict[str, str]:
        """Return for each term the word that is counted most often."""
        ordered = sorted(counts, key=lambda word: (counts[word], word))
        return {self.term(word): word for word in ordered}

    def _asked(self, words: list[str]) -> dict[str, str]:
        body = {"field": self._field, "text": " ".join(words)}
        tokens = rows(self._client.indices.analyze(index=self._index, body=body), "tokens")
        at = {start: word for word, start in zip(words, _starts(words), strict=True)}
        found = {word: word for word in words}
        for token in reversed(tokens):  # the first of several terms stays
            if token["start_offset"] in at:
                found[at[token["start_offset"]]] = str(token["token"])
        return found


def _starts(words: Iterable[str]) -> Iterator[int]:
    """Yield where each of words begins that one space parts, in UTF-16 units, as a server counts.

    >>> list(_starts(["oil", "𝒜b", "war"]))
    [0, 4, 8]
    """
    start = 0
    for word in words:
        yield start
        start += len(word.encode("utf-16-le")) // 2 + 1
