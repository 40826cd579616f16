"""Encoders without torch for these tests: every word is one latent, by its hash."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from splare_os.encoder import Spans
from splare_os.errors import EncoderError
from splare_os.impacts import Impacts, from_features, prune

UNREADABLE = "xyzzy"


class HashEncoder:
    """A bag of hashed words, an impact of 0.5 for each occurrence; deterministic, no weights.

    A text that holds the word `xyzzy` is a `ValueError`, as a broken text is.
    """

    name = "hash"

    def __init__(self, n_latents: int = 512, fingerprint: str = "0123456789abcdef") -> None:
        self.n_latents, self.fingerprint = n_latents, fingerprint
        self.batches: list[int] = []

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        self.batches.append(len(texts))
        if any(UNREADABLE in text for text in texts):
            raise ValueError("a word that nobody can read")
        return from_features([self._features(text) for text in texts], self.n_latents)

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        return self.encode_documents(texts)

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        raise EncoderError(f"{len(texts)} texts, query={query}: hashed words have no spans")

    def _features(self, text: str) -> dict[str, float]:
        counts = Counter(self.latent(word) for word in text.lower().split() if word.isalnum())
        return {str(latent): 0.5 * n for latent, n in counts.items()}

    def latent(self, word: str) -> int:
        return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest()) % (
            self.n_latents
        )


class CutEncoder(HashEncoder):
    """Hashed words, of a document the two heaviest alone: it tells so."""

    document_top_k = 2

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        return prune(super().encode_documents(texts), self.document_top_k)


class WordEncoder(HashEncoder):
    """Hashed words that know their place: the last, where a word comes again."""

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:  # noqa: ARG002
        return [
            {self.latent(word[0].lower()): word.span() for word in re.finditer(r"\w+", text)}
            for text in texts
        ]
