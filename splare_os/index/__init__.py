"""impacts → cluster: documents into rank_features fields of the user's own index.

job · ingest · worker (reads, encodes, keeps a ledger) → chunk · actions → flight · sender · bulk ·
replies; handle: the index as a run asks it; patience: what an ill cluster is given; bulk_load and
merging: settings for a while; jobs: what the files of jobs tell.
backfill · backlog: scan → batch → flight, with a checkpoint and a pace; removal: impacts out of an
index. replay: letters of pipelines once more. tally: what lands is counted; counting and census:
statistics of any index.
"""

from .backfill import BackfillRun, backfill
from .backfill_options import BackfillOptions
from .batch import BACKFILL_STATUSES, BackfillOutcome, BackfillStatus
from .bulk import BulkOptions
from .chunk import Outcome
from .ingest import IngestRun, ingest
from .job import IngestOptions
from .ledger import STATUSES, Status
from .patience import Patience, set_testing
from .replay import Replayed, replay

__all__ = [
    "BACKFILL_STATUSES",
    "STATUSES",
    "BackfillOptions",
    "BackfillOutcome",
    "BackfillRun",
    "BackfillStatus",
    "BulkOptions",
    "IngestOptions",
    "IngestRun",
    "Outcome",
    "Patience",
    "Replayed",
    "Status",
    "backfill",
    "ingest",
    "replay",
    "set_testing",
]
