"""The routes, each with what it takes and gives."""

import asyncio
from typing import Annotated, Any

from fastapi import FastAPI, Header
from fastapi.responses import JSONResponse, Response

from . import messages, replies
from .metrics import CONTENT_TYPE
from .queue import Kind
from .service import Service
from .work import Explanations, Part

Fingerprint = Annotated[
    str | None,
    Header(
        alias=messages.FINGERPRINT,
        description="The model that is meant; 409 if another one is served.",
    ),
]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": messages.Problem, "description": told}
    for status, told in {
        400: "The body is no JSON, no gzip, or not there.",
        401: "The token is missing or wrong.",
        408: "The body came too slowly.",
        409: "Another model is served.",
        413: "Over a limit of `/info`.",
        415: "The content type is not JSON, or the coding neither identity nor gzip.",
        422: "The request, or one of its texts, cannot be read.",
        424: "The model cannot do that.",
        429: "Too much waits; `Retry-After` says how long to wait.",
        500: "The model failed.",
        503: "The model is being loaded, or the server ends.",
        504: "It took too long.",
    }.items()
}
MISSING: dict[int | str, dict[str, Any]] = {
    404: {"model": messages.Problem, "description": "There is none."}
}
OF_GETS: dict[int | str, dict[str, Any]] = {status: PROBLEMS[status] for status in (401, 503)}
OF_PRIOR = OF_GETS | MISSING | {409: PROBLEMS[409]}


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


def _features(part: Part) -> Response:
    if isinstance(part, Explanations):
        raise TypeError("explanations for impacts")
    return _json(replies.features(part))


def add_encoding(app: FastAPI, service: Service) -> None:
    """Add the routes that OpenSearch's ml-commons asks, and that of our own client."""

    @app.post("/documents", response_model=messages.Features, responses=PROBLEMS)
    async def documents(body: messages.Texts, fingerprint: Fingerprint = None) -> Response:
        """Impacts of documents, as a connector of ml-commons takes them."""
        service.require(fingerprint)
        return _features(await service.encode("document", body.texts))

    @app.post("/queries", response_model=messages.Features, responses=PROBLEMS)
    async def queries(body: messages.Texts, fingerprint: Fingerprint = None) -> Response:
        """Impacts of queries, as a connector of ml-commons takes them."""
        service.require(fingerprint)
        return _features(await service.encode("query", body.texts))

    @app.post("/encode", response_model=messages.Columns, responses=PROBLEMS)
    async def encode(body: messages.Encoding, fingerprint: Fingerprint = None) -> Response:
        """Impacts in columns, exactly as the model gives them: what `RemoteEncoder` asks for."""
        service.require(fingerprint)
        return _json(replies.columns((await service.encode(body.kind, body.texts)).impacts))


def add_others(app: FastAPI, service: Service) -> None:
    """Add the route of text-embeddings-inference, and what explains."""

    @app.post("/embed_sparse", response_model=list[list[messages.SparseValue]], responses=PROBLEMS)
    async def embed_sparse(
        body: messages.SparseInputs, fingerprint: Fingerprint = None
    ) -> Response:
        """Impacts as text-embeddings-inference gives them; `prompt_name` says of what."""
        service.require(fingerprint)
        texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
        part = await service.encode(body.prompt_name or "document", texts)
        return _json(replies.sparse_values(part.impacts))

    @app.post("/explain", response_model=messages.Explained, responses=PROBLEMS)
    async def explain(body: messages.Explaining, fingerprint: Fingerprint = None) -> Response:
        """Impacts, each with the token that it comes from; of a query also those left out."""
        service.require(fingerprint)
        kind: Kind = "query_explanation" if body.kind == "query" else "document_explanation"
        part = await service.encode(kind, body.texts)
        if not isinstance(part, Explanations):
            raise TypeError(f"a {type(part).__name__} for {kind}")
        return _json(await asyncio.to_thread(replies.explained, part, body.texts))


def add_model(app: FastAPI, service: Service) -> None:
    """Add what tells of the model."""

    @app.get("/info", response_model=messages.Info, responses=OF_GETS)
    async def info() -> Response:
        """Tell the model, and the limits of a request."""
        return JSONResponse(service.info())

    @app.get("/prior", response_model=messages.Prior, responses=OF_PRIOR)
    async def prior(fingerprint: Fingerprint = None) -> Response:
        """Statistics of the model's own texts, for collections that have none yet."""
        service.require(fingerprint)
        return _json(replies.prior(service.prior()))


def add_states(app: FastAPI, service: Service) -> None:
    """Add what probes and Prometheus ask."""

    @app.head("/health", include_in_schema=False)
    @app.get("/health", response_model=messages.State)
    async def health() -> Response:
        """Whether the server lives."""
        return JSONResponse({"status": "alive"})

    @app.head("/ready", include_in_schema=False)
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
