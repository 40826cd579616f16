"""The `splare` clause, from what stands in a body to query DSL.

clause: where it may stand, and what stands in it; builder: made by opensearch-py's query builder.
target: which requests have one. extension: what is asked in `ext`; stepped: a search in two steps.
translation: to query DSL; remembered: what was translated before.
"""

from .builder import SplareField

__all__ = ["SplareField"]
