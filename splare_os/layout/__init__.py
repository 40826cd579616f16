"""What an index looks like: field (one document's impacts) · cut · mapping · records · pipeline."""

from ..documents.fields import impacts_field
from .cut import MAX_TOP_K, TOP_K, DocumentCut
from .mapping import content_field, ensure_index, index_body, template
from .pipeline import PIPELINE, put_pipeline
from .records import FieldRecord, find_impacts, read_records

__all__ = [
    "MAX_TOP_K",
    "PIPELINE",
    "TOP_K",
    "DocumentCut",
    "FieldRecord",
    "content_field",
    "ensure_index",
    "find_impacts",
    "impacts_field",
    "index_body",
    "put_pipeline",
    "read_records",
    "template",
]
