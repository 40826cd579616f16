"""Plots as SVG for light and dark pages: a style in them follows the reader's setting."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, PAPER = "#010203", "#fefdfc"
"""Colours that stand for those of the style, and for nothing else."""

STYLE = """<style>
svg { --ink: #1f2328; --paper: #ffffff; }
@media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --paper: #0d1117; } }
</style>
"""

SETTINGS = {
    **{"svg.hashsalt": "splare-os", "svg.fonttype": "none"},
    **{f"{name}.facecolor": PAPER for name in ("figure", "axes", "legend")},
    **{f"{name}.color": INK for name in ("text", "xtick", "ytick")},
    **{f"axes.{name}color": INK for name in ("label", "edge", "title")},
}


def pyplot() -> Any:  # noqa: ANN401  # a module, that only plots import
    """Return matplotlib's pyplot, set to draw for `save`."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.rcParams.update(SETTINGS)
    return plt


def save(figure: "Figure", path: Path) -> None:
    """Write a figure that was drawn by `pyplot`; the same figure gives the same bytes."""
    drawn = io.StringIO()
    figure.tight_layout()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    path.write_text(styled(drawn.getvalue()), encoding="utf-8")


def styled(svg: str) -> str:
    """Return an SVG with the two colours that stand for others taken from a style in it."""
    head, opened, rest = svg.partition("<defs>")
    if not opened:
        raise ValueError("no <defs>, where a style goes: is it matplotlib's SVG?")
    coloured = rest.replace(INK, "var(--ink)").replace(PAPER, "var(--paper)")
    return f"{head}{STYLE}{opened}{coloured}"
