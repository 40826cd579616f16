"""Text to impacts: backbone · sae · pooling · windows · encoder."""

from .backbone import Backbone, load_backbone
from .card import Card
from .encoder import SplareEncoder
from .foreign import ForeignEncoder
from .pooling import SaePooling, max_pool
from .sae import SaeEncoder

__all__ = [
    "Backbone",
    "Card",
    "ForeignEncoder",
    "SaeEncoder",
    "SaePooling",
    "SplareEncoder",
    "load_backbone",
    "max_pool",
]
