"""impacts → cluster: documents into rank_features fields of the user's own index.

job · worker (reads, encodes, keeps the ledger) → chunk · actions → flight · bulk · replies; tally
counts what lands, counting and census take statistics from any index.
"""

from .bulk import BulkOptions
from .chunk import Outcome
from .job import IngestOptions
from .ledger import STATUSES, Status
from .patience import Patience, set_testing
from .worker import IngestRun, ingest

__all__ = [
    "STATUSES",
    "BulkOptions",
    "IngestOptions",
    "IngestRun",
    "Outcome",
    "Patience",
    "Status",
    "ingest",
    "set_testing",
]
