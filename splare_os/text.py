"""The text of a document that is encoded: the same in index, evaluate and backfill."""

TEMPLATE = "{title} {text}"


def document_text(title: str, text: str) -> str:
    """Return `title` and `text` as one string, stripped.

    >>> document_text("", " Oil prices rose. ")
    'Oil prices rose.'
    """
    return TEMPLATE.format(title=title, text=text).strip()
