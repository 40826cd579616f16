"""Panels of the dashboards drawn without Dashboards: their requests run, their specs compiled.

Needs node and npm; the versions of Vega and Vega-Lite that Dashboards ships are fetched once into
the cache, outside the repository.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch

from splare_os.dashboards import SavedObject
from splare_os.dashboards.requests import Context, spec_of, spec_requests

VERSIONS = {
    "4": {"vega": "5.33.0", "vega-lite": "4.16.8"},
    "5": {"vega": "5.33.0", "vega-lite": "5.6.0"},
    "6": {"vega": "6.2.0", "vega-lite": "6.4.2"},
}
"""By Vega-Lite; those of OpenSearch Dashboards 2.19.5 (which went back), 2.19.4 and 3.6."""

DRAWER = Path(__file__).with_name("panel_gallery.mjs")
COLUMN_PX, ROW_PX, TITLE_PX = 25, 20, 40


class NoNodeError(Exception):
    """There is no node, no npm, or npm cannot fetch."""


@dataclass(frozen=True)
class Drawn:
    """A panel drawn: `marks` counts what is no axis and no legend."""

    svg: str
    marks: int
    warnings: tuple[str, ...]


def fetched(version: str) -> Path:
    """Return the folder with a version of both, fetched now if it is not there."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NoNodeError("node and npm are needed to draw panels: install them")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "splare-os" / "vega" / "-".join(VERSIONS[version].values())
    if (folder / "fetched").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    package = {"private": True, "dependencies": VERSIONS[version]}
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoNodeError(f"npm cannot fetch Vega: {done.stderr.strip()[-500:]}")
    (folder / "fetched").touch()
    return folder


def filled(client: OpenSearch, each: SavedObject, context: Context) -> dict[str, Any]:
    """Return the spec of a panel with the cluster's replies in it."""
    spec = spec_of(each)
    if spec is None:
        raise ValueError(f"{each.type} {each.id} is no chart")
    for request in spec_requests(spec, context):
        params = {"ignore_unavailable": "true"}  # so does Dashboards
        reply = client.search(index=request.index, body=request.body, params=params)
        data = request.data or {}
        del data["url"]
        data["values"] = reply
    return spec


def drawn(
    specs: Sequence[dict[str, Any]], sizes: Sequence[tuple[int, int]], version: str
) -> list[Drawn]:
    """Return charts drawn by one version of Vega; `sizes` are columns and rows of a dashboard.

    `ValueError` with Vega's words if one cannot be drawn.
    """
    lines = [
        json.dumps({"spec": spec, "width": width * COLUMN_PX, "height": height * ROW_PX - TITLE_PX})
        for spec, (width, height) in zip(specs, sizes, strict=True)
    ]
    command = ["node", str(DRAWER), str(fetched(version))]
    asked = "".join(f"{line}\n" for line in lines)
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    found = []
    for number, line in enumerate(done.stdout.splitlines()):
        reply = json.loads(line)
        if "error" in reply:
            raise ValueError(f"chart {number} by Vega {version}: {reply['error']}")
        found.append(Drawn(reply["svg"], reply["marks"], tuple(reply["warnings"])))
    return found
