"""Explanations as HTML, for notebooks. All that documents and labels say is escaped."""

from collections.abc import Iterable, Sequence
from html import escape

from .explain import Match


def hit_html(id_: str, score: float, matches: Sequence[Match]) -> str:
    """Return a hit: its id and score, and a row for each latent that it shares with the query."""
    head = f"<p><b>{safe(id_)}</b> {score:.3f}</p>"
    if not matches:
        return head
    columns = ("latent", "label", "share", "query", "document")
    rows = [
        (
            str(match.latent),
            safe(match.label or ""),
            _bar(match.share),
            safe(match.query_text),
            safe(match.document_text),
        )
        for match in matches
    ]
    return head + table_html(columns, rows)


def table_html(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; the cells are HTML.

    >>> table_html(["a"], [["1"], ["2"]])
    '<table><tr><th>a</th></tr><tr><td>1</td></tr><tr><td>2</td></tr></table>'
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def safe(text: str) -> str:
    """Return a text that is shown as it is, and turns nothing around it."""
    return f"<bdi>{escape(text)}</bdi>" if text else ""


def _bar(share: float) -> str:
    width = round(100 * min(1.0, max(0.0, share)))
    bar = f"display:inline-block;height:.7em;width:{width}px;background:#4c78a8"
    return f'<span style="{bar}"></span> {share:.0%}'
