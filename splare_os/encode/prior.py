"""`prior.npz`: statistics that come with a model, for collections that have none of their own yet.

They are no part of the fingerprint: they change how queries weigh latents, not which there are.
"""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ..errors import EncoderError
from ..statistics import Statistics

PRIOR = "prior.npz"


def read_prior(folder: Path, n_latents: int) -> Statistics | None:
    """Return the statistics in a model folder, or None where there are none.

    `EncoderError` if they cannot be read, or are of another number of latents.
    """
    path = folder / PRIOR
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            counts = file["document_frequency"].astype(np.float64)
            prior = Statistics(float(file["documents"]), counts, float(file["length"]))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise EncoderError(
            f"{path} cannot be read ({error}): delete it, and take the prior anew"
        ) from error
    if len(counts) != n_latents:
        raise EncoderError(
            f"{path} is of {len(counts)} latents, the model has {n_latents}: delete it, and take "
            "the prior anew"
        )
    return prior


def write_prior(folder: Path, prior: Statistics) -> None:
    """Write statistics of whole documents into a model folder; the file is there whole, or not."""
    part = folder / f"{PRIOR}.part"
    with part.open("wb") as file:
        np.savez_compressed(
            file,
            documents=np.asarray(round(prior.documents), dtype=np.int64),
            document_frequency=np.rint(prior.document_frequency).astype(np.uint32),
            length=np.asarray(prior.length, dtype=np.float64),
        )
    part.replace(folder / PRIOR)
