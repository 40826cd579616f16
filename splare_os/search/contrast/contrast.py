"""What sets these documents apart from those: latents that one set shows and the other does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch

from ...documents.fields import Fields
from ...encoder import Encoder, some_spans
from ...errors import EncoderError
from ...layout.labels import Example, Label
from ...layout.records import find_impacts
from ..hits.hits import only_text_field
from ..hits.reading import MOST_READ, Read, Reader
from ..labels.labels import Labels
from ..labels.triggers import excerpt
from .separation import Separation, separate
from .sides import Documents, Overlap, Side, read_sides


@dataclass(frozen=True)
class ContrastOptions:
    """`size` latents are told, with `examples` documents of either set.

    Of each set at most `sample` documents are read: the best of a query's, or drawn at random by
    `seed` where all score the same. Latents are significant at a false discovery rate of
    `max_rate`; with `only_significant` no others are told. `overlap`: documents in both sets are
    refused, or dropped from both.
    """

    text_field: str | None = None
    size: int = 20
    sample: int = 1000
    examples: int = 2
    max_rate: float = 0.05
    only_significant: bool = True
    overlap: Overlap = "refuse"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be told or read."""
        if self.size < 1 or self.examples < 0 or not 1 <= self.sample <= MOST_READ:
            raise ValueError(
                f"size={self.size}, examples={self.examples}, sample={self.sample}: tell at least "
                f"one latent, give no fewer than 0 examples, and read 1 to {MOST_READ} documents"
            )
        if not 0 < self.max_rate < 1:
            raise ValueError(f"max_rate={self.max_rate}: give a rate between 0 and 1")
        if self.overlap not in get_args(Overlap):
            raise ValueError(f"overlap={self.overlap!r}: choose {' or '.join(get_args(Overlap))}")


@dataclass(frozen=True)
class Distinction:
    """A latent, and in how many documents of either set it is.

    `difference` is the share in A less that in B, `odds_ratio` that of A to B with ½ added to each
    count, `p` Fisher's exact, `q` the false discovery rate of all latents as significant as this.
    Examples are the documents in which it is heaviest.
    """

    latent: int
    label: str | None
    in_a: int
    in_b: int
    difference: float
    odds_ratio: float
    p: float
    q: float
    examples_a: tuple[Example, ...]
    examples_b: tuple[Example, ...]


@dataclass(frozen=True)
class Contrast:
    """Two sets, the number of latents `tested` and `significant`, and the best of them."""

    a: Side
    b: Side
    tested: int
    significant: int
    latents: list[Distinction]


def contrast(
    client: OpenSearch,
    encoder: Encoder,
    index: str,
    sets: tuple[Documents, Documents],
    options: ContrastOptions | None = None,
    *,
    labels: Labels | None = None,
) -> Contrast:
    """Return the latents that best tell the documents of one set from those of another.

    Raises `ValueError` for a set without documents, and for sets that overlap, `MappingError` for
    an index without impacts, `ModelMismatchError` for those of another model.
    """
    options = options or ContrastOptions()
    text_field = options.text_field or only_text_field(client, index)
    there = find_impacts(client, index, Fields(text_field, None), encoder)
    reader = Reader(client, encoder, index, there)
    (a, side_a), (b, side_b) = read_sides(
        reader, sets, options.sample, seed=options.seed, overlap=options.overlap
    )
    found = separate(a.impacts, b.impacts)
    is_significant = found.q <= options.max_rate
    ranked = found.ranked()
    told = ranked[is_significant[ranked]] if options.only_significant else ranked
    latents: list[int] = told[: options.size].tolist()
    examples = [_examples(encoder, read, latents, options.examples) for read in (a, b)]
    labelled = labels.look_up(latents) if labels else {}
    distinctions = [
        _distinction(found, latent, labelled.get(latent), (examples[0][at], examples[1][at]))
        for at, latent in enumerate(latents)
    ]
    n_significant = int(np.count_nonzero(is_significant))
    return Contrast(side_a, side_b, found.tested, n_significant, distinctions)


def _distinction(
    found: Separation,
    latent: int,
    label: Label | None,
    examples: tuple[tuple[Example, ...], tuple[Example, ...]],
) -> Distinction:
    return Distinction(
        latent,
        label.label if label else None,
        int(found.in_a[latent]),
        int(found.in_b[latent]),
        float(found.difference[latent]),
        float(found.odds_ratio[latent]),
        float(found.p[latent]),
        float(found.q[latent]),
        *examples,
    )


def _examples(
    encoder: Encoder, read: Read, latents: Sequence[int], n: int
) -> list[tuple[Example, ...]]:
    """Return for each latent the documents in which it is heaviest, all encoded in one call."""
    columns = read.impacts.tocsc()
    rows = [_heaviest(columns[:, [latent]].toarray()[:, 0], n) for latent in latents]
    wanted = sorted({row for each in rows for row in each})
    try:
        texts = [read.texts[row] for row in wanted]
        spans = some_spans(encoder, texts, [latents] * len(texts)) if texts else []
    except EncoderError:
        spans = [{} for _ in wanted]
    places = dict(zip(wanted, spans, strict=True))
    return [
        tuple(
            Example(read.keys[row][1], excerpt(read.texts[row], places[row].get(latent)))
            for row in each
        )
        for latent, each in zip(latents, rows, strict=True)
    ]


def _heaviest(impacts: NDArray[np.float32], n: int) -> list[int]:
    order = np.argsort(-impacts, kind="stable")[:n]
    return [int(row) for row in order if impacts[row] > 0]
