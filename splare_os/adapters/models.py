"""Encoders by name, each loaded once in a process: components of one pipeline share it."""

from functools import lru_cache
from threading import Lock

from ..encode.load import load_encoder
from ..encoder import Encoder

_loading = Lock()


def encoder_of(model: str | Encoder) -> Encoder:
    """Return the encoder of that name (see `load_encoder`), or the one that is given."""
    if not isinstance(model, str):
        return model
    with _loading:  # of two threads that ask at once, one loads
        return _loaded(model)


@lru_cache(maxsize=4)
def _loaded(name: str) -> Encoder:
    return load_encoder(name)


def name_of(model: str | Encoder) -> str:
    """Return the name that a serialised component is loaded by; `ValueError` if there is none."""
    if isinstance(model, str):
        return model
    raise ValueError(
        f"the encoder {model.name!r} was given as an object, which cannot be serialised: give its "
        "name, folder or address instead"
    )
