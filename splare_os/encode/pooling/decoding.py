"""`SparseEncoder.decode` for models of latents: it names dimensions by the tokenizer's words."""

from collections.abc import Sequence
from functools import wraps
from typing import Any, cast

from sentence_transformers import SparseEncoder


class LatentNames:
    """Stands for a model whose tokenizer knows latents: each is called by its number."""

    @property
    def tokenizer(self) -> "LatentNames":
        """What `decode` asks for words."""
        return self

    def convert_ids_to_tokens(self, ids: Sequence[int]) -> list[str]:
        """Return the names of latents, as the index has them."""
        return [str(latent) for latent in ids]


def name_latents(pooling: type) -> None:
    """Let `decode` give names of latents where a model's last module is a `pooling` of latents.

    sentence-transformers has no place for that: it takes every dimension for a word of the
    tokenizer. Models of others, and those over a vocabulary, are decoded as ever.
    """
    theirs = SparseEncoder.decode

    @wraps(theirs)
    def decode(self: SparseEncoder, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        last: Any = self[-1]
        has_words = not isinstance(last, pooling) or getattr(last, "transform", None) is not None
        named = self if has_words else cast(SparseEncoder, LatentNames())
        return theirs(named, *args, **kwargs)

    SparseEncoder.decode = decode  # type: ignore[method-assign]
