"""Impacts of a query to query DSL; nothing else is asked.

query: the clause that computes a dot product, in each dialect. cut: which latents go into it.
steps: a first pass, and the rest for its best hits. clause_limit: how many clauses a cluster takes.
filters: as people type them.
"""

from .cut import Cut
from .query import Dialect, translate
from .steps import two_step

__all__ = ["Cut", "Dialect", "translate", "two_step"]
