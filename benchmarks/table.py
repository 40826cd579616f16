"""Tables of figures in a page, between two marks that keep the rest of the page as it is."""

import platform
import re
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import torch

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def between_marks(page: Path) -> str:
    """Return what is between the marks of a page; `ValueError` if it has none."""
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} lacks the lines {BEGIN} and {END}: add them where tables go")
    return text.split(BEGIN, 1)[1].split(END, 1)[0]


def put_between_marks(page: Path, made: str) -> None:
    """Replace what is between the marks of a page; `ValueError` if it has none."""
    old, text = between_marks(page), page.read_text(encoding="utf-8")
    replaced = text.replace(f"{BEGIN}{old}{END}", f"{BEGIN}\n{made.strip()}\n{END}")
    page.write_text(replaced, encoding="utf-8")


def write_table(page: Path, figures: Sequence[dict[str, str]], device: str) -> None:
    """Replace the tables of these cases on this machine; `ValueError` if the page has no marks."""
    old = between_marks(page)
    tables = dict(re.findall(r"^### (.+)\n\n((?:\|.+\n)+)", old, flags=re.MULTILINE))
    for case, rows in groupby(figures, itemgetter("case")):
        lines = ["| figure | median [95 % interval] | bar |", "|---|---|---|"]
        lines += [f"| {row['figure']} | {row['value']} | {row['note']} |" for row in rows]
        tables[f"{case}; {_machine(device)}"] = "\n".join(lines) + "\n"
    found = "\n".join(f"### {title}\n\n{table}" for title, table in tables.items())
    put_between_marks(page, found)


def _machine(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    name = torch.cpu.get_capabilities().get("cpu_name") or platform.processor()
    return f"{torch.get_num_threads()} cores of {name}, torch {torch.__version__}"
