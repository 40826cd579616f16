"""Documents of one index, by one query.

hits: the best, as `splare-os search` finds them. snippets: what is shown of each. reading: those of
a set, with their impacts.
"""

from .hits import Hit, SearchOptions, search

__all__ = ["Hit", "SearchOptions", "search"]
