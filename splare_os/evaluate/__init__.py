"""encoder → figures: datasets · indexing · systems (msearch, dense) · runs · measures · table."""

from .evaluate import EvaluateOptions, evaluate
from .measures import MEASURES
from .results import Result
from .table import table

__all__ = ["MEASURES", "EvaluateOptions", "Result", "evaluate", "table"]
