"""Text to impacts.

windows · packing (texts to rows of tokens) → backbone/ (tokens to states) → sae/ · pooling/ (states
to impacts) → encoder · parallel · foreign; embedding_sae → dense: whole embeddings to impacts. load
finds one by name, card describes its folder.

`Card`, `load_encoder` and `RemoteEncoder` can be imported without torch; what else is named here
brings it when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ..extras import require
from .card import Card
from .load import load_encoder
from .remote import RemoteEncoder, RemoteOptions

if TYPE_CHECKING:
    from .backbone import Backbone, load_backbone
    from .dense import DenseEncoder
    from .embedding_sae import EmbeddingSae
    from .encoder import SplareEncoder
    from .foreign import ForeignEncoder
    from .parallel import ParallelEncoder
    from .pooling import SaePooling, max_pool
    from .sae import SaeEncoder

__all__ = [
    "Backbone",
    "Card",
    "DenseEncoder",
    "EmbeddingSae",
    "ForeignEncoder",
    "ParallelEncoder",
    "RemoteEncoder",
    "RemoteOptions",
    "SaeEncoder",
    "SaePooling",
    "SplareEncoder",
    "load_backbone",
    "load_encoder",
    "max_pool",
]

PLACES = {
    "Backbone": "backbone",
    "DenseEncoder": "dense",
    "EmbeddingSae": "embedding_sae",
    "ForeignEncoder": "foreign",
    "ParallelEncoder": "parallel",
    "SaeEncoder": "sae",
    "SaePooling": "pooling",
    "SplareEncoder": "encoder",
    "load_backbone": "backbone",
    "max_pool": "pooling",
}
"""Where each name is that brings torch."""


def __getattr__(name: str) -> object:
    """Return a name that brings torch, imported now."""
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require("encode", f"splare_os.encode.{name}")
    found: object = getattr(import_module(f".{PLACES[name]}", __name__), name)
    globals()[name] = found
    return found
