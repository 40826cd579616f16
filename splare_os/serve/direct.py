"""The short way to a route: FastAPI describes it, and says what is wrong with a request."""

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

Endpoint: TypeAlias = Callable[..., Coroutine[Any, Any, Response]]


class Direct:
    """Answers good requests of an application's routes that take a body, and passes on all others.

    FastAPI takes as much time to reach a route as the gate takes in all (docs/serving.md).
    `receive` gives the whole body, and again to who asks again (`gate`). A `Refusal` is raised.
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
        if not headers.get("content-type", "").startswith("application/json"):
            return None
        try:
            told = model.model_validate_json(body)
        except ValidationError:
            return None
        return partial(endpoint, told, **dict.fromkeys(names, headers.get(FINGERPRINT)))

    return read
