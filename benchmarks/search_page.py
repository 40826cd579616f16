"""Figures of `benchmarks.search` as tables in a page, and drawn.

python -m benchmarks.search_page FIGURES.jsonl --page docs/search.md --plot docs/search.svg
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TextIO

import click

from .figures import EXACT, Figures
from .pictures import pyplot, save
from .table import put_between_marks

ONE_SEGMENT = "1 segment"

DRAWN = (EXACT, "two steps", "BM25", "every posting, numpy")
"""Ways that are drawn by the number of documents."""

WALLS_MS = [1, 2, 5, 10, 20, 50]
"""Where the axis of walls has a number."""

HEAD = "| | took p50/p95/p99 | wall p50/p95/p99 | to exact | recall@10 | nDCG@10 | read |"


def tables(lines: Sequence[Figures]) -> Iterator[str]:
    """Yield a table for each number of documents and state, the quickest way first."""
    for (documents, state), group in groupby(lines, lambda one: (one["documents"], one["state"])):
        yield f"### {documents:,} documents, {state}\n\n{HEAD}\n|---|---|---|---|---|---|---|"
        for one in sorted(group, key=lambda one: one["to_exact"][0]):
            median, low, high = one["to_exact"]
            read = "" if one["postings"] is None else f"{one['postings']:.2f}"
            yield (
                f"| {one['way']} | {_ms(one['took'])} | {_ms(one['wall'])} | "
                f"{median:.2f} [{low:.2f}, {high:.2f}] | {one['recall@10']:.3f} | "
                f"{one['ndcg@10']:.4f} | {read} |"
            )
        yield ""


def growth(lines: Sequence[Figures], upto: int = 8_800_000) -> Iterator[str]:
    """Yield how walls grow from the last size but one to the last, and the straight line on."""
    merged = [one for one in lines if one["state"] != ONE_SEGMENT]
    *_, few, many = sorted({one["documents"] for one in merged})
    walls = {(one["way"], one["documents"]): one["wall"][0] for one in merged}
    read = {(one["way"], one["documents"]): one["postings"] for one in merged}
    yield f"### From {few:,} to {many:,} documents, wall p50\n"
    yield f"| | times as long | ms for {upto:,}, on a straight line | ns a posting read |"
    yield "|---|---|---|---|"
    for way in dict.fromkeys(one["way"] for one in merged):
        if (way, few) in walls and (way, many) in walls:
            before, after = walls[way, few], walls[way, many]
            far = after + (after - before) * (upto - many) / (many - few)
            postings = read[way, many]
            ns = "" if postings is None else f"{1e6 * after / (postings * many):.1f}"
            yield f"| {way} | {after / before:.1f} | {far:.0f} | {ns} |"
    yield ""


def _ms(values: Sequence[float]) -> str:
    return "/".join(f"{value:.1f}" for value in values)


def plot(path: Path, lines: Sequence[Figures]) -> None:
    """Draw walls by documents, and at the largest size walls by recall."""
    plt = pyplot()
    figure, (growth, curve) = plt.subplots(1, 2, figsize=(10, 4))
    merged = [one for one in lines if one["state"] != ONE_SEGMENT]
    for way in DRAWN:
        own = [one for one in merged if one["way"] == way]
        sizes, walls = [one["documents"] for one in own], [one["wall"][0] for one in own]
        growth.plot(sizes, walls, marker="o", label=way)
    growth.set(xscale="log", yscale="log", xlabel="documents", ylabel="wall, p50, ms")
    growth.legend()
    sizes = sorted({one["documents"] for one in merged})
    growth.set_xticks(sizes, [f"{size:,}" for size in sizes])
    growth.set_yticks(WALLS_MS, WALLS_MS)
    growth.minorticks_off()
    most = max(one["documents"] for one in lines)
    found = [one for one in merged if one["documents"] == most and _is_on_the_curve(one["way"])]
    for number, one in enumerate(sorted(found, key=lambda one: one["wall"][0])):
        at = one["wall"][0], one["recall@10"]
        label = one["way"].removeprefix("two steps, ")
        curve.scatter(*at, color="C0")
        shift = (0, 5 if number % 2 else -12)
        curve.annotate(label, at, shift, textcoords="offset points", ha="center", fontsize=8)
    curve.margins(0.2)
    curve.set(xlabel=f"wall, p50, ms; {most:,} documents", ylabel="recall@10 of exact")
    save(figure, path)


def _is_on_the_curve(way: str) -> bool:
    return way == EXACT or way.startswith("two steps")


@click.command()
@click.argument("figures", type=click.File())
@click.option("--page", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--plot", "picture", required=True, type=click.Path(path_type=Path))
def main(figures: TextIO, page: Path, picture: Path) -> None:
    """Write tables and a plot."""
    lines = [json.loads(line) for line in figures]
    put_between_marks(page, "\n".join([*tables(lines), *growth(lines)]))
    plot(picture, lines)


if __name__ == "__main__":
    main()
