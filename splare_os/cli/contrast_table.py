"""A contrast as people see it on a terminal."""

from rich.table import Table
from rich.text import Text

from ..search.contrast.contrast import Contrast, Distinction
from .printable import printable


def contrast_table(found: Contrast) -> Table:
    """Return a row for each latent: its documents in either set, and how sure that is."""
    table = Table(box=None, header_style="bold")
    for name in ("latent", "label", "A", "B", "A−B", "odds", "q", "example"):
        table.add_column(name, justify="left" if name in {"label", "example"} else "right")
    for one in found.latents:
        table.add_row(*_cells(one, found))
    return table


def _cells(one: Distinction, found: Contrast) -> list[Text]:
    examples = one.examples_a if one.difference >= 0 else one.examples_b
    example = f"{examples[0].id}: {examples[0].excerpt}" if examples else ""
    cells = (
        str(one.latent),
        one.label or "",
        f"{one.in_a / found.a.documents:.0%}",
        f"{one.in_b / found.b.documents:.0%}",
        f"{one.difference:+.2f}",
        f"{one.odds_ratio:.3g}",
        f"{one.q:.2g}",
        example,
    )
    return [Text(printable(cell)) for cell in cells]
