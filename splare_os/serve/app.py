"""The routes, as FastAPI describes and serves them, over a service and behind a gate."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from .. import __version__
from ..impacts import Impacts
from . import messages, replies
from .gate import Gate
from .metrics import CONTENT_TYPE
from .queue import Kind
from .refusal import Refusal
from .service import Service
from .work import Explanations, Part

Fingerprint = Annotated[
    str | None,
    Header(
        alias="splare-fingerprint",
        description="The model that is meant; 409 if another one is served.",
    ),
]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": messages.Problem, "description": told}
    for status, told in {
        400: "The body is no JSON, or no gzip.",
        401: "The token is missing or wrong.",
        408: "The body came too slowly.",
        409: "Another model is served.",
        413: "Over a limit of `/info`.",
        415: "The content coding is neither identity nor gzip.",
        422: "The request, or one of its texts, cannot be read.",
        424: "The model cannot do that.",
        429: "Too much waits; `Retry-After` says how long to wait.",
        500: "The model failed.",
        503: "The model is being loaded.",
        504: "It took too long.",
    }.items()
}
MISSING: dict[int | str, dict[str, Any]] = {
    404: {"model": messages.Problem, "description": "There is none."}
}
OF_GETS: dict[int | str, dict[str, Any]] = {status: PROBLEMS[status] for status in (401, 503)}


def make_app(
    service: Service, *, token: str | None = None, on_end: Callable[[], None] = lambda: None
) -> ASGIApp:
    """Return the application over a service, behind its gate.

    The model is loaded once the application starts. `on_end` is called if serving ends by itself,
    as it does when the model cannot be loaded.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        serving = asyncio.ensure_future(service.run())
        serving.add_done_callback(lambda _: on_end())
        yield
        serving.cancel()
        await asyncio.wait({serving})

    app = FastAPI(
        title="SPLARE model server",
        version=__version__,
        description="Texts to impacts of latents, for OpenSearch and its clients.",
        lifespan=lifespan,
        redoc_url=None,
    )
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _failed)
    _add_encoding(app, service)
    _add_others(app, service)
    _add_states(app, service)
    _declare_token(app, is_asked=token is not None)
    routes = [str(getattr(route, "path", "")) for route in app.routes]
    packed = GZipMiddleware(app, minimum_size=1024, compresslevel=1)
    return Gate(
        packed, limits=service.limits, registry=service.registry, token=token, routes=routes
    )


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


def _impacts(part: Part) -> Impacts:
    return part.impacts if isinstance(part, Explanations) else part


def _add_encoding(app: FastAPI, service: Service) -> None:
    """Add the routes that OpenSearch's ml-commons asks, and that of our own client."""

    @app.post("/documents", response_model=messages.Features, responses=PROBLEMS)
    async def documents(body: messages.Texts, fingerprint: Fingerprint = None) -> Response:
        """Impacts of documents, as a connector of ml-commons takes them."""
        service.require(fingerprint)
        return _json(replies.features(_impacts(await service.encode("document", body.texts))))

    @app.post("/queries", response_model=messages.Features, responses=PROBLEMS)
    async def queries(body: messages.Texts, fingerprint: Fingerprint = None) -> Response:
        """Impacts of queries, as a connector of ml-commons takes them."""
        service.require(fingerprint)
        return _json(replies.features(_impacts(await service.encode("query", body.texts))))

    @app.post("/encode", response_model=messages.Columns, responses=PROBLEMS)
    async def encode(body: messages.Encoding, fingerprint: Fingerprint = None) -> Response:
        """Impacts in columns, exactly as the model gives them: what `RemoteEncoder` asks for."""
        service.require(fingerprint)
        return _json(replies.columns(_impacts(await service.encode(body.kind, body.texts))))


def _add_others(app: FastAPI, service: Service) -> None:
    """Add the route of text-embeddings-inference, and what explains."""

    @app.post("/embed_sparse", response_model=list[list[messages.SparseValue]], responses=PROBLEMS)
    async def embed_sparse(body: messages.SparseInputs) -> Response:
        """Impacts as text-embeddings-inference gives them; `prompt_name` says of what."""
        texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
        part = await service.encode(body.prompt_name or "document", texts)
        return _json(replies.sparse_values(_impacts(part)))

    @app.post("/explain", response_model=messages.Explained, responses=PROBLEMS)
    async def explain(body: messages.Explaining, fingerprint: Fingerprint = None) -> Response:
        """Impacts, each with the token that it comes from; of a query also those left out."""
        service.require(fingerprint)
        kind: Kind = "query_explanation" if body.kind == "query" else "document_explanation"
        part = await service.encode(kind, body.texts)
        if not isinstance(part, Explanations):
            raise TypeError(f"a {type(part).__name__} for {kind}")
        return _json(await asyncio.to_thread(replies.explained, part, body.texts))

    @app.get("/info", response_model=messages.Info, responses=OF_GETS)
    async def info() -> Response:
        """Tell the model, and the limits of a request."""
        return JSONResponse(service.info())

    @app.get(
        "/prior",
        response_model=messages.Prior,
        responses=OF_GETS | MISSING,
    )
    async def prior() -> Response:
        """Statistics of the model's own texts, for collections that have none yet."""
        return _json(replies.prior(service.prior()))


def _add_states(app: FastAPI, service: Service) -> None:
    """Add what probes and Prometheus ask."""

    @app.get("/health", response_model=messages.State)
    async def health() -> Response:
        """Whether the server lives."""
        return JSONResponse({"status": "alive"})

    @app.get("/ready", response_model=messages.State, responses={503: {"model": messages.State}})
    async def ready() -> Response:
        """Whether the model is loaded and warm."""
        if service.is_ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "loading"}, 503, {"retry-after": "1"})

    @app.get(
        "/metrics",
        responses={200: {"content": {"text/plain": {}}}, 401: PROBLEMS[401]},
        response_class=Response,
    )
    async def metrics() -> Response:
        """Metrics for Prometheus."""
        return Response(service.registry.text(), headers={"content-type": CONTENT_TYPE})


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
    assert isinstance(error, Refusal)  # noqa: S101  # registered for it
    return Response(error.body, error.status, error.headers, "application/json")


async def _invalid(_: Request, error: Exception) -> Response:
    """Say what is wrong without repeating the request, which may be no Unicode."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for it
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    refusal = Refusal(422, "Validation", f"{where}: {first['msg']}")
    return await _refused(_, refusal)


async def _failed(_: Request, __: Exception) -> Response:
    return await _refused(_, Refusal(500, "Unhealthy", "the server failed; its log says where"))


async def _no_route(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for it
    refusal = Refusal(error.status_code, "Validation", error.detail, headers=error.headers)
    return await _refused(_, refusal)
