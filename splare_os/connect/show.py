"""A route as commands of curl: what `connect` sends, for those who would rather do it by hand."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson

from ..layout.pipeline import DEAD_LETTERS, dead_letters_template
from .bodies import (
    KINDS,
    TOKEN,
    Route,
    connector_body,
    group_body,
    index_settings,
    ingest_body,
    model_body,
    search_body,
    template_body,
)
from .settings import Settings


def curl_commands(route: Route, needed: Settings, *, token: str | None) -> Iterator[str]:
    """Yield a command for each request: ids of replies are variables of the shell, as the token.

    `needed` are the cluster settings that are lacking. Of the token there is a digest alone, so
    that what was put there by hand is good to `check`.
    """
    if needed:
        yield _curl("PUT", "/_cluster/settings", {"persistent": needed})
    yield _curl("POST", "/_plugins/_ml/model_groups/_register", group_body(route), "GROUP_ID")
    for kind in KINDS:
        name = kind.upper()
        body = connector_body(route, kind, token)
        if token is not None:
            body["credential"]["token"] = TOKEN
        yield _curl("POST", "/_plugins/_ml/connectors/_create", body, f"{name}_CONNECTOR_ID")
        body = model_body(route, kind, f"${name}_CONNECTOR_ID", "$GROUP_ID")
        path = "/_plugins/_ml/models/_register?deploy=true"
        yield _curl("POST", path, body, f"{name}_MODEL_ID")
    yield _curl("PUT", f"/_index_template/{DEAD_LETTERS}", dead_letters_template())
    body = ingest_body(route, "$DOCUMENT_MODEL_ID")
    yield _curl("PUT", f"/_ingest/pipeline/{route.name}", body)
    yield _curl("PUT", f"/_search/pipeline/{route.name}", search_body(route, "$QUERY_MODEL_ID"))
    if route.pattern is not None:
        yield _curl("PUT", f"/_index_template/{route.name}", template_body(route))
    yield _curl("PUT", f"/{route.index}/_settings", {"index": index_settings(route)})


def _curl(method: str, path: str, body: dict[str, Any], variable: str | None = None) -> str:
    """Return one command; the reply's id goes into `variable`.

    Variables stand outside of the single quotes, where the shell puts their values in.
    """
    text = orjson.dumps(body).decode().replace("'", "'\\''")
    for name in (TOKEN, *(f"${kind.upper()}_{of}_ID" for kind in KINDS for of in OF), "$GROUP_ID"):
        text = text.replace(name, f"'\"{name}\"'")
    command = (
        f'curl -sS --fail-with-body -X {method} "$SPLARE_URL{quote(path, safe="/?=")}" '
        f"-H 'Content-Type: application/json' -d '{text}'"
    )
    if variable is None:
        return command
    key = variable.lower().removeprefix("document_").removeprefix("query_")
    key = {"group_id": "model_group_id"}.get(key, key)
    return f'{variable}=$({command} | sed -E \'s/.*"{key}" *: *"([^"]*)".*/\\1/\')'


OF = ("CONNECTOR", "MODEL")
