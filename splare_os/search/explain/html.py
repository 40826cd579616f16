"""Explanations as HTML, for notebooks. All that documents and labels say is escaped."""

from collections.abc import Iterable, Sequence
from html import escape

from .explain import Match

MOST_ROWS = 50
MOST_CHARACTERS = 300
"""Of one text: a "word" of a document may be a megabyte."""

CONTROLS = {code: 0x2400 + code for code in range(0x20) if code not in b"\t\n\r"} | {127: 0x2421}
"""Control characters to Unicode's pictures of them, as the explorer shows them."""


def hit_html(id_: str, score: float, matches: Sequence[Match]) -> str:
    """Return a hit: its id and score, and a row for each latent that it shares with the query.

    Of many latents the heaviest, and what the rest adds.
    """
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
        for match in matches[:MOST_ROWS]
    ]
    rest = matches[MOST_ROWS:]
    more = f"<p>and {len(rest):,} more, {sum(one.share for one in rest):.0%}</p>" if rest else ""
    return head + table_html(columns, rows) + more


def table_html(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; the cells are HTML.

    >>> table_html(["a"], [["1"], ["2"]])
    '<table><tr><th>a</th></tr><tr><td>1</td></tr><tr><td>2</td></tr></table>'
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def safe(text: str) -> str:
    r"""Return a text as it is, that turns nothing around it; of a long one the beginning.

    >>> safe("a\x00<")
    '<bdi>a␀&lt;</bdi>'
    """
    shown = text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
    return f"<bdi>{escape(shown.translate(CONTROLS))}</bdi>" if text else ""


def _bar(share: float) -> str:
    width = round(100 * min(1.0, max(0.0, share)))
    bar = f"display:inline-block;height:.7em;width:{width}px;background:#4c78a8"
    return f'<span style="{bar}"></span> {share:.0%}'
