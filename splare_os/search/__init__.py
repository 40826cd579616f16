"""Text to hits: query (translate) · clause · rewrite · client (drop-in) · explain."""

from .client import SplareOpenSearch
from .explain import Contribution, explain
from .query import Dialect, translate, two_step

__all__ = ["Contribution", "Dialect", "SplareOpenSearch", "explain", "translate", "two_step"]
