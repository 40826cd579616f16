"""Plots of the benchmarks, as they stand in docs/."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.index_size import Size
from benchmarks.index_size import plot as plot_sizes
from benchmarks.ingest_plot import plot as plot_rates
from benchmarks.ingest_plot import rates
from benchmarks.pictures import INK, PAPER, pyplot, save, styled

DOCS = Path(__file__).parents[1] / "docs"
PLOTS = sorted(path for path in DOCS.glob("*.svg") if b"Matplotlib" in path.read_bytes())


def words(picture: Path) -> str:
    return " ".join(ElementTree.parse(picture).getroot().itertext())


def test_there_are_plots_of_pruning_latency_throughput_and_size() -> None:
    names = {path.stem for path in PLOTS}
    assert names >= {"index_size", "pressure", "scoring", "search", "throughput"}


@pytest.mark.parametrize("picture", PLOTS, ids=lambda path: path.stem)
def test_a_plot_is_read_on_a_light_and_on_a_dark_page(picture: Path) -> None:
    svg = picture.read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in svg
    assert "var(--ink)" in svg
    assert "var(--paper)" in svg
    assert not {INK, PAPER, "#000000"} & set(svg.replace('"', " ").replace(";", " ").split())
    uncoloured = [
        "".join(each.itertext())
        for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
        if "fill" not in each.get("style", "")
    ]
    assert not uncoloured  # it would be black


def test_a_figure_is_saved_in_colours_of_the_page_and_the_same_twice(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        figure, panel = pyplot().subplots()
        panel.plot([0, 1], [0, 1], label="line")
        panel.legend()
        save(figure, tmp_path / name)
    drawn = (tmp_path / "a.svg").read_text()
    assert drawn == (tmp_path / "b.svg").read_text()
    assert "#ffffff" not in drawn.replace("--paper: #ffffff", "")
    with pytest.raises(ValueError, match="no <defs>"):
        styled("<svg/>")


def test_the_plot_of_rates_is_that_of_the_table(tmp_path: Path) -> None:
    found = rates((DOCS / "indexing.md").read_text(encoding="utf-8"))
    assert len(found) == 4
    assert all(one.low <= one.median <= one.high for one in found)
    plot_rates(tmp_path / "rates.svg", found)
    shown = words(DOCS / "throughput.svg")
    assert all(one.name in shown for one in found)
    assert words(tmp_path / "rates.svg").split() == shown.split()
    with pytest.raises(ValueError, match="no ratios"):
        rates("| | rate | by CPU times |\n|---|---|---|\n| a loader | 0.87 | |\n")


def test_the_plot_of_sizes_says_what_is_what(tmp_path: Path) -> None:
    sizes = [Size(0, 900.0), Size(50, 2000.0), Size(50, 1500.0, is_compact=True)]
    plot_sizes(tmp_path / "size.svg", sizes)
    shown = words(tmp_path / "size.svg")
    for told in ("impacts in _source", "compact", "text alone", "kB a document"):
        assert told in shown
