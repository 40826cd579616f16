"""The text that is encoded for a document: the same wherever documents are read."""

TEMPLATE = "{title} {text}"
"""How title and text are joined; a model's fingerprint holds it."""


def document_text(title: str | None, text: str | None) -> str:
    """Return the text that is encoded: the same in index, evaluate and backfill.

    >>> document_text("Ants", "They carry leaves. ")
    'Ants They carry leaves.'
    >>> document_text(None, None)
    ''
    """
    return TEMPLATE.format(title=title or "", text=text or "").strip()
