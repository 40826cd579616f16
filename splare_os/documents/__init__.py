"""What is read, and how.

fields (which keys) · template (which text) · document (one of them) · jsonl, delimited, parquet
(formats) · columns (of tables) · lines, compression (of text) · files, remote (where they are) ·
opensearch (documents of an index) · sources (what is given, and what reads it)
"""

from .document import Body, Document
from .fields import Fields
from .sources import find_sources, read_documents
from .template import document_text

__all__ = ["Body", "Document", "Fields", "document_text", "find_sources", "read_documents"]
