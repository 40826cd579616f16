"""The rates of `benchmarks.ingest` drawn, from the table that docs/indexing.md has of them.

python -m benchmarks.ingest_plot docs/indexing.md --plot docs/throughput.svg
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

from .pictures import INK, pyplot, save

HEAD = "| | rate | by CPU times |\n|---|---|---|\n"
ROW = re.compile(r"\| ours to ([^|]+) \| ([\d.]+) \[([\d.]+), ([\d.]+)\] \|.*")


class Rate(NamedTuple):
    """Our rate to another's, with the bounds of its interval."""

    name: str
    median: float
    low: float
    high: float


def rates(page: str) -> list[Rate]:
    r"""Return what the table has of ours; `ValueError` if that is nothing.

    >>> table = "| | rate | by CPU times |\n|---|---|---|\n"
    >>> rates(table + "| ours to a `raw` loader: tuned | 0.87 [0.75, 1.03] | 1.0 [0.9, 1.1] |\n")
    [Rate(name='a raw loader', median=0.87, low=0.75, high=1.03)]
    """
    _, _, table = page.partition(HEAD)
    found = [ROW.fullmatch(line) for line in table.partition("\n\n")[0].splitlines()]
    made = [
        Rate(re.split(r" \(|:", one[1])[0].replace("`", ""), *map(float, one.groups()[1:]))
        for one in found
        if one
    ]
    if not made:
        raise ValueError(f"no ratios of ours with their intervals below {HEAD!r}")
    return made


def plot(path: Path, found: Sequence[Rate]) -> None:
    """Draw rates with their intervals; right of 1, ours is the quicker one."""
    figure, panel = pyplot().subplots(figsize=(8, 0.6 + 0.5 * len(found)))
    for row, one in enumerate(reversed(found)):
        panel.plot([one.low, one.high], [row, row], color="tab:blue", linewidth=3, alpha=0.5)
        panel.plot(one.median, row, marker="o", color="tab:blue")
    panel.axvline(1, color=INK, linewidth=0.8)
    panel.set_yticks(range(len(found)), [one.name for one in reversed(found)])
    panel.set(xlabel="our documents a second to theirs, median and 95 % interval", xlim=(0, None))
    panel.margins(y=0.2)
    save(figure, path)


@click.command()
@click.argument("page", type=click.Path(exists=True, path_type=Path))
@click.option("--plot", "picture", required=True, type=click.Path(path_type=Path))
def main(page: Path, picture: Path) -> None:
    """Draw the table of a page."""
    plot(picture, rates(page.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
