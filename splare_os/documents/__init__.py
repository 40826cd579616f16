"""What is read: fields (which keys) · template (which text) · document (one line) · sources."""

from .document import Body, Document
from .fields import Fields
from .sources import check_sources, read_jsonl
from .template import document_text

__all__ = ["Body", "Document", "Fields", "check_sources", "document_text", "read_jsonl"]
