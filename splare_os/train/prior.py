"""The prior of a model: how frequent its latents are, and how long documents, in texts at large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from ..documents import Fields, find_sources
from ..encode.prior import PRIOR, write_prior
from ..encoder import Encoder
from ..errors import TrainingError
from ..statistics import Statistics
from .texts import Reject, draw_texts

N_TEXTS = 2000
"""Texts that a training takes the prior of its model from."""

BATCH = 512
"""Texts encoded at once."""


@dataclass(frozen=True, slots=True)
class PriorReport:
    """What a prior was taken from; `latents` are in some text, `common` in more than a tenth."""

    model: str
    texts: int
    mean_length: float
    latents: int
    common: int


def drawn(texts: Sequence[str], n_texts: int = N_TEXTS, *, seed: int = 0) -> list[str]:
    """Return at most `n_texts` of `texts`, drawn at random."""
    return Random(seed).sample(texts, min(n_texts, len(texts)))


def drawn_evenly(
    sources: Sequence[str],
    fields: Fields,
    *,
    n_texts: int,
    max_chars: int,
    seed: int = 0,
    reject: Reject = lambda _: None,
) -> list[str]:
    """Return at most `n_texts` of each source, so that a large one does not decide alone."""
    files = find_sources(sources)
    if n_texts < 1:
        raise ValueError(f"n_texts={n_texts}: take at least one text of a file")
    limits = {"max_chars": max_chars, "seed": seed}
    texts = (draw_texts([source], fields, reject=reject, **limits) for source in files)
    return [text for each in texts for text in drawn(each, n_texts, seed=seed)]


def take_prior(encoder: Encoder, texts: Sequence[str]) -> Statistics:
    """Return the statistics of `texts` as documents of `encoder`."""
    found = Statistics.none(encoder.n_latents)
    for first in range(0, len(texts), BATCH):
        found = found + Statistics.of(encoder.encode_documents(texts[first : first + BATCH]))
    return found


def check_folder(folder: Path) -> None:
    """Raise `TrainingError` unless `folder` is a model's."""
    if not (folder / "modules.json").is_file():
        raise TrainingError(f"{folder} is no model folder: give one that can be written to")


def add_prior(folder: Path, encoder: Encoder, texts: Sequence[str]) -> PriorReport:
    """Write the prior that `texts` give into the model folder of `encoder`.

    `TrainingError` if there is no such folder, or no text has a latent.
    """
    check_folder(folder)
    found = take_prior(encoder, texts)
    if not found.length:
        raise TrainingError(f"no latent in {found.documents:.0f} texts: give texts with words")
    try:
        write_prior(folder, found)
    except OSError as error:
        raise TrainingError(f"{folder / PRIOR} cannot be written: {error}") from error
    counts = found.document_frequency
    return PriorReport(
        str(folder),
        int(found.documents),
        round(found.mean_length, 3),
        int(np.count_nonzero(counts)),
        int(np.count_nonzero(counts > found.documents / 10)),
    )
