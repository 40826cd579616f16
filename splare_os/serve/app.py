"""The routes as an application of FastAPI, over a service and behind a gate."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from .. import __version__
from . import page
from .direct import Direct
from .gate import Gate
from .native import add_native
from .packed import Packed
from .refusal import Refusal, failed
from .routes import add_encoding, add_model, add_others, add_states
from .service import Service


def make_app(
    service: Service, *, token: str | None = None, on_end: Callable[[], None] = lambda: None
) -> ASGIApp:
    """Return the application over a service, behind its gate.

    The model is loaded once the application starts. `on_end` is called if serving ends by itself,
    as it does when the model cannot be loaded.
    """
    app = FastAPI(
        title="SPLARE model server",
        version=__version__,
        description="Texts to impacts of latents, for OpenSearch and its clients.",
        lifespan=_lifespan(service, on_end),
        docs_url=None,  # FastAPI's pages are scripts of a stranger's server
        redoc_url=None,
        redirect_slashes=False,  # behind TLS it would lead to http, and the token with it
    )
    answer_errors(app)
    for add in (add_encoding, add_others, add_native, add_model, add_states):
        add(app, service)
    _add_page(app)
    _declare_token(app, is_asked=token is not None)
    routes = [str(getattr(route, "path", "")) for route in app.routes]
    packed = Packed(Direct(app))
    return Gate(
        packed, limits=service.limits, registry=service.registry, token=token, routes=routes
    )


def _add_page(app: FastAPI) -> None:
    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return Response(page.page(app.openapi()), headers=page.HEADERS, media_type="text/html")


def answer_errors(app: FastAPI) -> None:
    """Have an application answer every error as a `Refusal` does."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _failed)


def _lifespan(
    service: Service, on_end: Callable[[], None]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return what loads the model when the application starts, and lets it go at the end."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        serving = asyncio.ensure_future(service.run())
        serving.add_done_callback(lambda _: on_end())
        yield
        serving.cancel()
        await asyncio.wait({serving})

    return lifespan


def _declare_token(app: FastAPI, *, is_asked: bool) -> None:
    """Have the description say that a token is asked for; the gate asks for it."""
    if not is_asked:
        return
    description = app.openapi()
    schemes = description.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["token"] = {"type": "http", "scheme": "bearer"}
    for path, methods in description["paths"].items():
        if path not in {"/health", "/ready"}:
            for operation in methods.values():
                operation["security"] = [{"token": []}]


async def _refused(_: Request, error: Exception) -> Response:
    refusal = cast(Refusal, error)
    return Response(refusal.body, refusal.status, refusal.headers, "application/json")


async def _invalid(request: Request, error: Exception) -> Response:
    """Say what is wrong without repeating the request, which may be no Unicode."""
    first = cast(RequestValidationError, error).errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    status = 400 if first["type"] == "json_invalid" else 422
    return await _refused(request, Refusal(status, "Validation", f"{where}: {first['msg']}"))


async def _no_route(request: Request, error: Exception) -> Response:
    told = cast(HTTPException, error)
    refusal = Refusal(told.status_code, "Validation", told.detail, headers=told.headers)
    return await _refused(request, refusal)


async def _failed(request: Request, _: Exception) -> Response:
    return await _refused(request, failed())
