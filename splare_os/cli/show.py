"""What people see on a terminal: hits, and two rankings side by side."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..search import Hit, Match
from ..search.hits.snippets import SHORT, snippets
from .comparison import Comparison
from .printable import printable

SHOWN_MATCHES = 5
MOST_OF_A_WORD, MOST_OF_A_PIECE = 60, 500
"""Characters: a "word" of a document may be a megabyte."""

BOLD, PLAIN = "\ue000", "\ue001"
"""Where bold words begin and end. A terminal is shown neither, so that a text may lose its own."""

LOST = str.maketrans(dict.fromkeys((BOLD, PLAIN), "\x00"))
"""Another character that is not shown, for each: what counts characters stays right."""


def hits_table(
    hits: Sequence[Hit], *, explain: bool = True, highlight: bool = False, fields: bool = False
) -> Table:
    """Return hits as a table: rank, score, id, text, and the matches where there are any.

    `highlight`: of the text the passages that matched, with their words; `fields`: in place of the
    text all that hits have; `explain`: a line for each of the heaviest matches. Ids of several
    indices have theirs before them.
    """
    is_one = len({hit.index for hit in hits}) <= 1
    table = Table(box=None, header_style="bold")
    for name, justify in (("", "right"), ("score", "right"), ("_id", "left"), ("text", "left")):
        table.add_column(name, justify=justify, no_wrap=name in {"", "score"})  # type: ignore[arg-type]
    for rank, hit in enumerate(hits, start=1):
        shown = values(hit, MOST_OF_A_PIECE) if fields else excerpt(hit, 160)
        content: Any = marked(hit) if highlight else Text(shown)
        if hit.matches and not highlight:
            words = {match.document_text for match in hit.matches[:SHOWN_MATCHES]} - {""}
            content.highlight_words(words, "bold")
        if hit.matches and explain:
            content = Group(content, *(Text(line, style="dim") for line in match_lines(hit)))
        name = hit.id if is_one else f"{hit.index}/{hit.id}"
        table.add_row(str(rank), scored(hit.score), Text(printable(name)), content)
    return table


def comparison_panel(comparison: Comparison) -> Panel:
    """Return one query's BM25 and latent hits side by side, and what the best latent hit shares."""
    table = Table(expand=True, box=None, header_style="bold")
    table.add_column("BM25", ratio=1)
    table.add_column("SPLARE", ratio=1)
    for place in range(max(len(comparison.bm25), len(comparison.latents))):
        table.add_row(*(_cell(hits, place) for hits in (comparison.bm25, comparison.latents)))
    parts: list[Any] = [table]
    if comparison.latents:
        parts.append(Text("why the first SPLARE hit:", style="dim"))
        parts += [Text(f"  {line}", style="dim") for line in match_lines(comparison.latents[0])]
    return Panel(Group(*parts), title=Text(printable(comparison.query)), title_align="left")


def excerpt(hit: Hit, length: int) -> str:
    """Return the beginning of what was encoded of a hit on one line, its title first."""
    return printable(" ".join(" — ".join(filter(None, hit.texts)).split()), length)


def scored(score: float) -> str:
    """Return a score; those of fused ranks are small, and near one another.

    >>> scored(10.80299), scored(1 / 61)
    ('10.803', '0.01639')
    """
    return f"{score:.3f}" if score >= 1 else f"{score:.5f}"


def values(hit: Hit, length: int) -> str:
    """Return the fields of a hit on one line, each with its name."""
    told = (
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in hit.source.items()
    )
    return printable(" ".join(", ".join(told).split()), length)


def marked(hit: Hit) -> Text:
    """Return the passages of an explained hit that matched, the words behind it bold."""
    hit = replace(hit, text=hit.text.translate(LOST))
    whole = " … ".join(snippets(hit, replace(SHORT, pre_tag=BOLD, post_tag=PLAIN)))
    shown = Text()
    for number, piece in enumerate(re.split(f"[{BOLD}{PLAIN}]", " ".join(whole.split()))):
        shown.append(printable(piece, MOST_OF_A_PIECE), style="bold" if number % 2 else None)
    return shown


def match_lines(hit: Hit) -> list[str]:
    """Return a line for each of the heaviest matches of a hit."""
    return [_match_line(match) for match in hit.matches[:SHOWN_MATCHES]]


def _match_line(match: Match) -> str:
    words = " → ".join(
        printable(one, MOST_OF_A_WORD) or "·" for one in (match.query_text, match.document_text)
    )
    label = printable(match.label or "")
    return f"latent {match.latent:>6}  +{match.score:.2f}  {words}{label and f'  [{label}]'}"


def _cell(hits: Sequence[Hit], place: int) -> Text:
    if place >= len(hits):
        return Text("" if place else "(nothing)")
    hit = hits[place]
    return Text(f"{place + 1}. {hit.score:.2f}  {excerpt(hit, 130)}")


def console() -> Console:
    """Return a console on stdout, as wide as the terminal, or 100 columns where there is none."""
    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=100)
