"""What an index looks like: field (one document's impacts) · cut · mapping · records · pipeline."""

from .cut import MAX_TOP_K, TOP_K
from .field import impacts_field
from .mapping import content_field, ensure_index, index_body, template
from .pipeline import PIPELINE, put_pipeline
from .records import FieldRecord, check_model, read_records

__all__ = [
    "MAX_TOP_K",
    "PIPELINE",
    "TOP_K",
    "FieldRecord",
    "check_model",
    "content_field",
    "ensure_index",
    "impacts_field",
    "index_body",
    "put_pipeline",
    "read_records",
    "template",
]
