"""encoder → figures: datasets · indexing · msearch · dense · runs · measures · results · table."""

from .evaluate import EvaluateOptions, evaluate
from .measures import MEASURES
from .results import Result
from .table import table

__all__ = ["MEASURES", "EvaluateOptions", "Result", "evaluate", "table"]
