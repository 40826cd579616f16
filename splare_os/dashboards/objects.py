"""Saved objects of OpenSearch Dashboards, and the lines of a file that it imports.

They have fixed ids and no `migrationVersion`, which every version of Dashboards accepts. What is
JSON within JSON there (`visState`, `panelsJSON` …) is a string here too.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

COLUMNS = 48
"""Columns of a dashboard; a row is 20 px high."""

SOURCE = "kibanaSavedObjectMeta"
"""The attribute that holds what is searched; it is called so in OpenSearch Dashboards too."""

INDEX_REFERENCE = f"{SOURCE}.searchSourceJSON.index"
NOT_LIMITED: Json = {"query": {"query": "", "language": "kuery"}, "filter": []}

PANELS_VERSION = "7.9.3"
"""The newest form of panels that all versions of Dashboards know."""


@dataclass(frozen=True)
class SavedObject:
    """One saved object; `references` are those to other objects, by the name used inside."""

    type: str
    id: str
    attributes: Json
    references: Sequence[Json] = ()

    @property
    def line(self) -> str:
        """The object as a line of a file."""
        return text(
            {
                "type": self.type,
                "id": self.id,
                "attributes": self.attributes,
                "references": list(self.references),
            }
        )


@dataclass(frozen=True)
class Panel:
    """A saved object on a dashboard, `width` columns (of 48) wide and `height` rows high."""

    object: SavedObject
    width: int = 24
    height: int = 15


@dataclass(frozen=True)
class Board:
    """A dashboard: what it is called, its panels in reading order, and the patterns they need.

    `time_from` is where its time range begins when it is opened, in the words of Dashboards;
    `refresh_s` is how often it then looks again, None: never by itself.
    """

    name: str
    id: str
    title: str
    description: str
    panels: Sequence[Panel]
    patterns: Sequence[SavedObject]
    time_from: str | None = None
    refresh_s: int | None = None

    def objects(self) -> list[SavedObject]:
        """Return all that has to be imported for it, each before what refers to it."""
        return [*self.patterns, *(panel.object for panel in self.panels), dashboard(self)]


def text(content: object) -> str:
    """Return JSON on one line, as it stands in a file and within a string."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def ndjson(objects: Iterable[SavedObject]) -> str:
    """Return the file that Dashboards imports."""
    return "".join(f"{each.line}\n" for each in objects)


def index_pattern(index: str, time_field: str | None = None, *, id: str) -> SavedObject:  # noqa: A002
    """Return a pattern; which fields there are Dashboards asks the cluster itself."""
    time = {} if time_field is None else {"timeFieldName": time_field}
    return SavedObject("index-pattern", id, {"title": index} | time)


def visualization(
    id: str,  # noqa: A002
    title: str,
    kind: str,
    params: Json,
    *,
    aggs: Sequence[Json] = (),
    pattern: str | None = None,
) -> SavedObject:
    """Return a visualisation of a kind that Dashboards has, such as `vega` or `table`."""
    state = {"title": title, "type": kind, "params": params, "aggs": list(aggs)}
    source = NOT_LIMITED | ({} if pattern is None else {"indexRefName": INDEX_REFERENCE})
    attributes = {
        "title": title,
        "description": "",
        "visState": text(state),
        "uiStateJSON": "{}",
        "version": 1,
        SOURCE: {"searchSourceJSON": text(source)},
    }
    return SavedObject("visualization", id, attributes, _to_pattern(pattern))


def vega(id: str, title: str, spec: Json) -> SavedObject:  # noqa: A002
    """Return a visualisation by Vega or Vega-Lite; its spec stays readable in the editor there."""
    written = json.dumps(spec, ensure_ascii=False, indent=2)
    return visualization(id, title, "vega", {"spec": written})


def markdown(id: str, title: str, content: str) -> SavedObject:  # noqa: A002
    """Return a text."""
    params = {"fontSize": 12, "openLinksInNewTab": False, "markdown": content}
    return visualization(id, title, "markdown", params)


def saved_search(
    id: str,  # noqa: A002
    title: str,
    pattern: str,
    columns: Sequence[str],
    *,
    newest_by: str | None = None,
) -> SavedObject:
    """Return a list of documents, the newest first where there is a time."""
    source = {"highlightAll": True, "version": True} | NOT_LIMITED
    attributes = {
        "title": title,
        "description": "",
        "hits": 0,
        "columns": list(columns),
        "sort": [] if newest_by is None else [[newest_by, "desc"]],
        "version": 1,
        SOURCE: {"searchSourceJSON": text(source | {"indexRefName": INDEX_REFERENCE})},
    }
    return SavedObject("search", id, attributes, _to_pattern(pattern))


def _to_pattern(pattern: str | None) -> list[Json]:
    if pattern is None:
        return []
    return [{"name": INDEX_REFERENCE, "type": "index-pattern", "id": pattern}]


def dashboard(board: Board) -> SavedObject:
    """Return a dashboard, its panels from left to right in rows."""
    placed = list(zip(board.panels, places(board.panels), strict=True))
    panels = [
        {
            "version": PANELS_VERSION,
            "gridData": {"x": x, "y": y, "w": panel.width, "h": panel.height, "i": str(at)},
            "panelIndex": str(at),
            "embeddableConfig": {},
            "panelRefName": f"panel_{at}",
        }
        for at, (panel, (x, y)) in enumerate(placed)
    ]
    references = [
        {"name": f"panel_{at}", "type": panel.object.type, "id": panel.object.id}
        for at, panel in enumerate(board.panels)
    ]
    options = {"hidePanelTitles": False, "useMargins": True}
    attributes = {
        "title": board.title,
        "description": board.description,
        "hits": 0,
        "panelsJSON": text(panels),
        "optionsJSON": text(options),
        "version": 1,
        SOURCE: {"searchSourceJSON": text(NOT_LIMITED)},
    }
    return SavedObject("dashboard", board.id, attributes | _time(board), references)


def _time(board: Board) -> Json:
    if board.time_from is None:
        return {"timeRestore": False}
    value = 1000 * (board.refresh_s or 0)
    return {
        "timeRestore": True,
        "timeFrom": board.time_from,
        "timeTo": "now",
        "refreshInterval": {"pause": board.refresh_s is None, "value": value},
    }


def places(panels: Sequence[Panel]) -> list[tuple[int, int]]:
    """Return column and row of each panel: rows are filled from the left, and as high as need be.

    >>> board = SavedObject("visualization", "v", {})
    >>> places([Panel(board, 24, 10), Panel(board, 24, 12), Panel(board, 48, 5)])
    [(0, 0), (24, 0), (0, 12)]
    """
    found: list[tuple[int, int]] = []
    x = y = height = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, height = 0, y + height, 0
        found.append((x, y))
        x, height = x + panel.width, max(height, panel.height)
    return found
