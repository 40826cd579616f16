"""Several rankings become one.

fusion: by ranks or by scores, as OpenSearch does it. hybrid: words and latents in one search.
"""

from .fusion import Fusion, read_fusion
from .hybrid import Hybrid, hybrid

__all__ = ["Fusion", "Hybrid", "hybrid", "read_fusion"]
