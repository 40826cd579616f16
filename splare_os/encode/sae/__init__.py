"""Sparse autoencoders: sae (the encoder half) · published, files, releases (where they come from).

vocabulary makes one of a masked-language head; release_table writes docs/saes.md.
"""

from .sae import SaeEncoder

__all__ = ["SaeEncoder"]
