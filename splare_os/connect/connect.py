"""A route put onto a cluster, looked at, and taken off again."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opensearchpy import NotFoundError, OpenSearch, TransportError

from ..errors import ConnectError
from ..layout.pipeline import DEAD_LETTERS, dead_letters_template
from ..reply import part, parts, rows
from .bodies import KINDS, Names, Route, index_settings, ingest_body, search_body, template_body
from .ml_commons import MlCommons
from .settings import lacking
from .templates import before, require_room

NO_ROUTE = (
    "only the client route is there: `splare-os index` and SplareOpenSearch need no part of the "
    "cluster but its indices"
)
NONE = "_none"
"""How a setting says that there is no pipeline."""
UNKNOWN = frozenset({400, 404, 405})
"""Statuses of a service that has no such request; others do not tell what it has."""
PARTS = {"opensearch-ml": "ml-commons", "opensearch-neural-search": "neural-search"}


@dataclass(frozen=True)
class State:
    """One part of a route: `state` is `good`, `missing`, or says what is out of date."""

    part: str
    state: str


def connect(
    client: OpenSearch, route: Route, *, token: str | None = None, sets_cluster: bool = False
) -> list[State]:
    """Put a route onto a cluster, and return what of it was missing or out of date.

    The index is there already, with the record of its field. Done again, nothing changes. Cluster
    settings are changed with `sets_cluster` alone; else `ConnectError` says which are needed, as it
    says which pipelines of others the index has, and which template leaves its own none to make.
    """
    require_plugins(client)
    _require_free(client, route)
    if needed := lacking(client, route):
        if not sets_cluster:
            raise ConnectError(
                f"the cluster needs the persistent settings {needed}: allow it with "
                "--set-cluster-settings, or have them set"
            )
        client.cluster.put_settings(body={"persistent": needed})
    found = list(check(client, route, token=token))
    models = MlCommons(client)
    stale = {one.part for one in found if one.state != "good"}
    others = [  # what is deployed does not see that a private address is allowed now
        models.put(route, kind, token, anew=bool(needed))
        for kind in KINDS
        if needed or f"model {route.model_name(kind)}" in stale
    ]
    client.indices.put_index_template(name=DEAD_LETTERS, body=dead_letters_template())
    document, query = (str(models.model_id(route, kind)) for kind in KINDS)
    client.ingest.put_pipeline(id=route.name, body=ingest_body(route, document))
    client.search_pipeline.put(id=route.name, body=search_body(route, query))
    if route.pattern is not None:
        client.indices.put_index_template(name=route.name, body=template_body(route))
    client.indices.put_settings(index=route.index, body={"index": index_settings(route)})
    for made in others:
        models.drop(made)
    return [one for one in found if one.state != "good"]


def check(client: OpenSearch, route: Route, *, token: str | None = None) -> Iterator[State]:
    """Yield the state of each part of a route; changes nothing."""
    require_plugins(client)
    if needed := lacking(client, route):
        yield State("cluster settings", f"missing: {needed}")
    models = MlCommons(client)
    for kind in KINDS:
        yield State(f"model {route.model_name(kind)}", models.state(route, kind, token))
    document, query = (models.model_id(route, kind) or "" for kind in KINDS)
    there = _ingest_pipeline(client, route.name)
    yield State(f"ingest pipeline {route.name}", _compared(there, ingest_body(route, document)))
    there = _search_pipeline(client, route.name)
    yield State(f"search pipeline {route.name}", _compared(there, search_body(route, query)))
    templates: dict[str, dict[str, Any]] = {DEAD_LETTERS: dead_letters_template()}
    if route.pattern is not None:
        templates[route.name] = template_body(route)
    for name, body in templates.items():
        there = _index_template(client, name)
        told = _compared(None if there is None else there.get("_meta", {}), body["_meta"])
        yield State(f"index template {name}", told)
    for one in before(client, route):
        yield State(f"index template {one.name}", str(one))
    yield State(f"settings of {route.index}", _index_state(client, route))


def disconnect(client: OpenSearch, route: Names) -> list[str]:
    """Take a route off a cluster, and return the names of what was removed.

    Neither its index nor its server need be there. Indices, their documents, dead letters and
    cluster settings stay. Indices of the template's pattern are taken off too: one whose pipeline
    is gone takes no documents.
    """
    require_plugins(client)
    removed = []
    template = _index_template(client, route.name)
    made = () if template is None else template["index_patterns"]
    for index, names in _settings_that_name(client, route, [route.index, *made]):
        client.indices.put_settings(index=index, body=dict.fromkeys(names))
        removed.append(f"settings of {index}")
    if _ingest_pipeline(client, route.name) is not None:
        client.ingest.delete_pipeline(id=route.name)
        removed.append(f"ingest pipeline {route.name}")
    if _search_pipeline(client, route.name) is not None:
        client.search_pipeline.delete(id=route.name)
        removed.append(f"search pipeline {route.name}")
    if template is not None:
        client.indices.delete_index_template(name=route.name)
        removed.append(f"index template {route.name}")
    return removed + MlCommons(client).remove(route)


def require_plugins(client: OpenSearch) -> None:
    """Raise `ConnectError` unless the cluster has pipelines, settings and both plugins."""
    try:
        found = {
            part(one, "component", kind=str) for one in rows(client.cat.plugins(format="json"))
        }
        client.cluster.get_settings()
    except TransportError as error:
        if error.status_code not in UNKNOWN:
            raise
        raise ConnectError(f"the service tells of no plugins ({error}): {NO_ROUTE}") from error
    missing = [told for name, told in PARTS.items() if not _has(found, name)]
    if missing:
        raise ConnectError(f"the cluster has no {' and no '.join(missing)}: {NO_ROUTE}")


def _require_free(client: OpenSearch, route: Route) -> None:
    """Raise `ConnectError` if pipelines or templates of others are where the route's would be."""
    require_room(client, route)
    for name, told in _pipelines(client, route):
        others = {key: one for key, one in told.items() if one not in {None, NONE, route.name}}
        if others:
            raise ConnectError(
                f"index {name!r} has {others}, and room for one of each: take that off (PUT "
                f"/{name}/_settings, null; if it is another field's, --disconnect), or index by "
                "`splare-os index`"
            )


def _pipelines(client: OpenSearch, route: Route) -> Iterator[tuple[str, dict[str, str | None]]]:
    """Yield the index with its settings that name pipelines."""
    found = client.indices.get_settings(index=route.index, params={"flat_settings": "true"})
    for name, settings in parts(found, "settings").items():
        keys = [f"index.{key}" for key in index_settings(route)]
        yield name, {key: settings.get(key) for key in keys}


def _has(found: set[str], name: str) -> bool:
    return any(re.fullmatch(f"({name}|{name.removeprefix('opensearch-')})", one) for one in found)


def _ingest_pipeline(client: OpenSearch, name: str) -> dict[str, Any] | None:
    try:
        return part(client.ingest.get_pipeline(id=name), name, kind=dict)
    except NotFoundError:
        return None


def _search_pipeline(client: OpenSearch, name: str) -> dict[str, Any] | None:
    try:
        return part(client.search_pipeline.get(id=name), name, kind=dict)
    except NotFoundError:
        return None


def _index_template(client: OpenSearch, name: str) -> dict[str, Any] | None:
    try:
        reply = client.indices.get_index_template(name=name)
    except NotFoundError:
        return None
    for found in rows(reply, "index_templates"):
        return part(found, "index_template", kind=dict)
    return None


def _compared(there: dict[str, Any] | None, body: dict[str, Any]) -> str:
    if there is None:
        return "missing"
    return "good" if there == body else "out of date: another model, record or version"


def _settings_that_name(
    client: OpenSearch, route: Names, indices: list[str]
) -> Iterator[tuple[str, list[str]]]:
    """Yield indices, each with its settings that name a pipeline of the route."""
    params = {"flat_settings": "true", "ignore_unavailable": "true"}
    found = client.indices.get_settings(index=",".join(indices), params=params)
    for index, settings in sorted(parts(found, "settings").items()):
        names = [f"index.{name}" for name in index_settings(route)]
        if ours := [name for name in names if settings.get(name) == route.name]:
            yield index, ours


def _index_state(client: OpenSearch, route: Route) -> str:
    for name, told in _pipelines(client, route):
        if set(told.values()) != {route.name}:
            return f"missing: {name} has {told}"
    return "good"
