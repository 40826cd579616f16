"""impacts → cluster: documents into rank_features fields of the user's own index."""

from .mapping import MAX_TOP_K, TOP_K, content_field, ensure_index, index_body, template
from .records import FieldRecord, check_model, impacts_field, read_records

__all__ = [
    "MAX_TOP_K",
    "TOP_K",
    "FieldRecord",
    "check_model",
    "content_field",
    "ensure_index",
    "impacts_field",
    "index_body",
    "read_records",
    "template",
]
