"""The short way to a route: FastAPI describes it, and says what is wrong with a request."""

import json
from collections.abc import Callable, Coroutine
from functools import partial
from inspect import signature
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from .messages import FINGERPRINT
from .refusal import Refusal

Endpoint: TypeAlias = Callable[..., Coroutine[Any, Any, Response]]


class Direct:
    """Answers good requests of an application's routes that take a body, and passes on all others.

    FastAPI takes as much time to reach a route as the gate takes in all (docs/serving.md).
    `receive` gives the whole body, and again to who asks again (`gate`). A `Refusal` is raised,
    also of what is no JSON: FastAPI has several answers to that, some as if a text were at fault.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._routes = {
            route.path: _read_by(route.endpoint)
            for route in app.routes
            if isinstance(route, APIRoute) and "body" in signature(route.endpoint).parameters
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have the application answer it."""
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        read = self._routes.get(scope["path"]) if is_post else None
        answer = read and read(Headers(scope=scope), (await receive())["body"])
        if not answer:
            await self._app(scope, receive, send)
            return
        reply = await answer()
        await reply(scope, receive, send)


def _read_by(endpoint: Endpoint) -> Callable[[Headers, bytes], Endpoint | None]:
    """Return what reads requests for `endpoint`: its call, or None for one that is not good."""
    parameters = signature(endpoint).parameters
    model: type[BaseModel] = parameters["body"].annotation
    names = {"fingerprint"} & parameters.keys()

    def read(headers: Headers, body: bytes) -> Endpoint | None:
        _require_json(headers.get("content-type", ""))
        try:
            told = model.model_validate_json(body)
        except ValidationError:
            _require_readable(body)
            return None
        return partial(endpoint, told, **dict.fromkeys(names, headers.get(FINGERPRINT)))

    return read


def _require_json(content_type: str) -> None:
    """Raise `Refusal` unless a body says that it is JSON.

    A page of another site can have a browser send any other kind without asking first.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json":
        reason = f"content-type {content_type[:40]!r}: send JSON as application/json"
        raise Refusal(415, "Validation", reason)


def _require_readable(body: bytes) -> None:
    """Raise `Refusal` unless a body is JSON; half of a surrogate pair is a text's fault."""
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = f"the body is no JSON: {error}" if body else "there is no body: send JSON"
        raise Refusal(400, "Validation", reason) from error
