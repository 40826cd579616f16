"""The page that describes the routes: no script, and nothing that stands elsewhere."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

HEADERS = {"content-security-policy": "default-src 'none'", "x-content-type-options": "nosniff"}


def page(description: Json) -> str:
    """Return HTML of an OpenAPI description: each route, what it takes and what it gives."""
    about, routes = description["info"], description["paths"].items()
    title = escape(f"{about['title']} {about['version']}")
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>',
        f"<h1>{title}</h1><p>{escape(about['description'])}</p>",
        '<p>For programs: <a href="openapi.json">openapi.json</a></p>',
    ]
    for path, methods in routes:
        for method, route in methods.items():
            parts += _route(f"{method.upper()} {path}", route, description)
    return "\n".join(parts)


def _route(name: str, route: Json, description: Json) -> Iterator[str]:
    yield f"<h2>{escape(name)}</h2><p>{escape(route.get('description', ''))}</p>"
    for one in route.get("parameters", ()):
        told = one.get("description", "")
        yield f"<p>{escape(one['in'])} <code>{escape(one['name'])}</code>: {escape(told)}</p>"
    taken = _schema(route.get("requestBody", {}), description)
    if taken:
        yield _fields("Takes", taken)
        yield _command(name.partition(" ")[2], taken, needs_token="security" in route)
    for status, reply in route["responses"].items():
        if status == "200":
            yield _fields("Gives", _schema(reply, description))
        else:
            yield f"<p>{escape(status)}: {escape(reply['description'])}</p>"


def _schema(body: Json, description: Json) -> Json:
    """Return the schema of a body of JSON; {} if there is none, or it has no name."""
    found: Json = body.get("content", {}).get("application/json", {}).get("schema", {})
    name = found.get("$ref", "").rpartition("/")[2]
    return description["components"]["schemas"][name] if name else {}


def _fields(what: str, schema: Json) -> str:
    """Return the fields of an object, a row each."""
    if not schema:
        return ""
    needed = schema.get("required", ())
    rows = [
        f"<tr><td><code>{escape(name)}</code><td>{escape(_kind(one))}"
        f"<td>{'' if name in needed else 'may be left out'}"
        for name, one in schema.get("properties", {}).items()
    ]
    told = escape(schema.get("description", ""))
    return f"<h3>{what}</h3><p>{told}</p><table>{''.join(rows)}</table>"


def _kind(schema: Json) -> str:
    """Return what may stand in a field, in words."""
    if choices := schema.get("anyOf"):
        return " or ".join(map(_kind, choices))
    if values := schema.get("enum"):
        return " or ".join(map(repr, values))
    if (kind := schema.get("type", schema.get("$ref", "").rpartition("/")[2])) == "array":
        return f"array of {_kind(schema['items'])}"
    return str(kind)


def _command(path: str, schema: Json, *, needs_token: bool) -> str:
    """Return a command of curl with the examples of all fields that have one."""
    fields = schema["properties"].items()
    body = json.dumps({name: one["examples"][0] for name, one in fields if "examples" in one})
    token = '-H "Authorization: Bearer $SPLARE_SERVER_BEARER_TOKEN" ' if needs_token else ""
    told = f"-H 'Content-Type: application/json' {token}-d '{body}'"
    return "<pre>" + escape(f'curl "$SPLARE_SERVER_URL{path}" {told}', quote=False) + "</pre>"
