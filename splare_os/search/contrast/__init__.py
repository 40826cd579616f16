"""What sets these documents apart from those.

sides: the two sets. separation: how well each latent separates them. contrast puts both together.
"""

from .contrast import Contrast, ContrastOptions, contrast

__all__ = ["Contrast", "ContrastOptions", "contrast"]
