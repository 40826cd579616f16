"""encoder → figures: datasets · systems (msearch, exact, dense) · measures · comparison · table.

Searches that an application has logged are compared too (logged).
"""

from ..extras import require

require("evaluate", "evaluation")

from .comparison import Comparison
from .datasets import check_folders
from .evaluate import EvaluateOptions, evaluate
from .export import query_lines, save_run
from .logged import compare_arms
from .measures import MEASURES
from .results import MEAN, MISSING, Result, mean_results
from .systems import choose, needs_cluster, unique_names
from .table import details, table

__all__ = [
    "MEAN",
    "MEASURES",
    "MISSING",
    "Comparison",
    "EvaluateOptions",
    "Result",
    "check_folders",
    "choose",
    "compare_arms",
    "details",
    "evaluate",
    "mean_results",
    "needs_cluster",
    "query_lines",
    "save_run",
    "table",
    "unique_names",
]
