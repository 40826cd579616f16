"""The one seam between models and the cluster: the `Encoder` protocol, and `Spans`."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from .impacts import Impacts
from .statistics import Statistics

Spans: TypeAlias = dict[int, tuple[int, int]]
"""Latent to the character span [start, end) of the token with its largest activation."""


class Encoder(Protocol):
    """Turns texts into impacts.

    `name` tells people which model this is; `fingerprint` tells machines: two encoders with the
    same fingerprint may share an index field, others may not. `n_latents` is the row width.
    """

    @property
    def name(self) -> str:
        """The model's name, such as `mini`."""

    @property
    def fingerprint(self) -> str:
        """16 hex digits over all that changes impacts, rounding aside."""

    @property
    def n_latents(self) -> int:
        """Number of latents: the width of every row of impacts."""

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of documents, in the order of `texts`."""

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, in the order of `texts`."""

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Return for each text where each of its impacts comes from; `EncoderError` if it can't."""


@runtime_checkable
class TellsTopK(Protocol):
    """What an encoder may tell besides, if it keeps a document's heaviest impacts alone."""

    @property
    def document_top_k(self) -> int | None:
        """Most impacts that a document has; None if that is not known."""


PLAIN = "word " * 200
"""A text like many others, of about their length."""


def is_able(encoder: Encoder) -> bool:
    """Return whether an encoder that has failed for texts can encode a plain one: not its fault."""
    try:
        return encoder.encode_documents([PLAIN]).shape == (1, encoder.n_latents)
    except Exception:  # noqa: BLE001  # encoders are of others too
        return False


def own_top_k(encoder: Encoder) -> int | None:
    """Return how many impacts a document has at most by `encoder`; None if it does not tell."""
    return encoder.document_top_k if isinstance(encoder, TellsTopK) else None


@runtime_checkable
class GivesWholeQueries(Protocol):
    """What an encoder may give besides: a query's impacts before the lightest are cut."""

    @property
    def query_top_k(self) -> int:
        """Most impacts of a query that `encode_queries` returns: the heaviest."""

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        """Return all impacts [text, latent] of queries, of which `encode_queries` keeps some."""


@runtime_checkable
class GivesSomeSpans(Protocol):
    """What an encoder may give besides: the spans of some latents, at less cost than all."""

    def some_spans(self, texts: Sequence[str], latents: Sequence[Collection[int]]) -> list[Spans]:
        """Return what `spans` does for documents, of these latents of each text, if it has them."""


def some_spans(
    encoder: Encoder, texts: Sequence[str], latents: Sequence[Collection[int]]
) -> list[Spans]:
    """Return where these latents of documents come from, of all latents if it costs no more."""
    if isinstance(encoder, GivesSomeSpans):
        return encoder.some_spans(texts, latents)
    return encoder.spans(texts)


@runtime_checkable
class Closable(Protocol):
    """What an encoder may need besides, at the end."""

    def close(self) -> None:
        """Let go what it holds."""


PASS_TOKENS = 2048
"""Encoded at a time by an encoder that does not tell what it likes."""


@runtime_checkable
class TellsPassTokens(Protocol):
    """What an encoder may tell besides: how much it encodes best at a time."""

    @property
    def pass_tokens(self) -> int:
        """Tokens of one forward pass."""


def pass_tokens(encoder: Encoder) -> int:
    """Return the tokens that an encoder takes at a time."""
    return encoder.pass_tokens if isinstance(encoder, TellsPassTokens) else PASS_TOKENS


@runtime_checkable
class TellsPrior(Protocol):
    """What an encoder may tell besides: how frequent its latents are in texts of many kinds."""

    @property
    def prior(self) -> Statistics | None:
        """Statistics of the model's own texts; None if they were not taken."""


def own_prior(encoder: Encoder) -> Statistics | None:
    """Return the statistics that come with `encoder`; None if it has none."""
    return encoder.prior if isinstance(encoder, TellsPrior) else None


def precision(encoder: Encoder) -> str:
    """Return the number format of most of an encoder's weights; empty if it does not tell.

    Not of the first: token embeddings keep that of their file, whatever a model computes in.
    """
    model = getattr(encoder, "model", getattr(encoder, "dense", None))
    if model is None:
        return str(getattr(encoder, "dtype", ""))
    ((most, _),) = Counter(str(weight.dtype) for weight in model.parameters()).most_common(1)
    return most
