"""impacts → cluster: documents into rank_features fields of the user's own index."""

from .bulk import BulkOptions
from .chunk import Outcome
from .job import IngestOptions
from .ledger import STATUSES, Status
from .mapping import MAX_TOP_K, TOP_K, content_field, ensure_index, index_body, template
from .patience import Patience
from .pipeline import PIPELINE, put_pipeline
from .records import FieldRecord, check_model, impacts_field, read_records
from .sources import check_sources
from .worker import IngestRun, ingest

__all__ = [
    "MAX_TOP_K",
    "PIPELINE",
    "STATUSES",
    "TOP_K",
    "BulkOptions",
    "FieldRecord",
    "IngestOptions",
    "IngestRun",
    "Outcome",
    "Patience",
    "Status",
    "check_model",
    "check_sources",
    "content_field",
    "ensure_index",
    "impacts_field",
    "index_body",
    "ingest",
    "put_pipeline",
    "read_records",
    "template",
]
