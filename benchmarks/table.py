"""A page's table of figures, between two marks that keep the rest of the page as it is."""

import platform
from collections.abc import Sequence
from pathlib import Path

import torch

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def write_table(page: Path, figures: Sequence[dict[str, str]], device: str) -> None:
    """Replace what lies between the marks of `page`; `ValueError` if it has none."""
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} lacks the lines {BEGIN} and {END}: add them where the table goes")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    lines = [
        f"Measured on {_machine(device)}.",
        "",
        "| case | figure | median [95 % interval] | bar |",
        "|---|---|---|---|",
        *(f"| {f['case']} | {f['figure']} | {f['value']} | {f['note']} |" for f in figures),
    ]
    page.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")


def _machine(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    name = torch.cpu.get_capabilities().get("cpu_name") or platform.processor()
    return f"{torch.get_num_threads()} cores of {name}, torch {torch.__version__}"
