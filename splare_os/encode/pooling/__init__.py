"""States to impacts: pooling (the plain definition, and the module) · gradient (of training).

segment_max is the fast path, with a file for each device; window_impacts and spans make impacts,
and where they come from, of what it finds.
"""

from .pooling import SaePooling, max_pool

__all__ = ["SaePooling", "max_pool"]
