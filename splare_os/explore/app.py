"""The page and the routes beneath it, over one place: it only ever reads."""

import json
from collections.abc import Collection
from typing import cast

import orjson
from fastapi import FastAPI, Request
from fastapi.responses import Response
from opensearchpy.exceptions import OpenSearchException
from starlette.types import ASGIApp

from .. import __version__
from ..connection import hint
from ..errors import SplareError
from ..serve.app import answer_errors
from ..serve.gate import Gate
from ..serve.limits import Limits
from ..serve.metrics import Registry
from ..serve.refusal import Refusal
from . import messages
from .cards import card_of, find_latents
from .comparing import compare
from .guard import Guard, is_loopback
from .page import Page
from .place import Place
from .reading import NoDocumentError, read_document
from .searching import Json, explain_hits, search_systems

LIMITS = Limits(max_body_bytes=65_536, max_bytes=4 * 2**20, max_requests=64, timeout_s=60.0)


def make_app(
    place: Place, *, host: str, token: str | None = None, names: Collection[str] = ()
) -> ASGIApp:
    """Return the explorer of a place, as it may listen at `host`.

    `names` are those by which browsers may call it besides. `ValueError` for a host that others
    reach, without a token.
    """
    is_local = is_loopback(host)
    if not is_local and not token:
        raise ValueError(
            f"host={host!r}: others reach it, and would read {place.index!r}. Give a token "
            "(--token-file, or $SPLARE_EXPLORER_BEARER_TOKEN), or listen at 127.0.0.1"
        )
    app = FastAPI(title="SPLARE explorer", version=__version__, openapi_url=None)
    answer_errors(app)
    for kind, answer in ERRORS.items():
        app.add_exception_handler(kind, answer)
    add_searching(app, place)
    add_reading(app, place)
    gate = Gate(app, limits=LIMITS, registry=Registry(), token=token, routes=[])
    return Guard(Page(gate), names={host, *names}, is_local=is_local)


def add_searching(app: FastAPI, place: Place) -> None:
    """Add the routes of queries; each takes JSON, and runs in a thread."""

    @app.post("/api/about")
    def about(_: messages.Message) -> Response:
        """Tell what is explored."""
        return _json(place.about())

    @app.post("/api/search")
    def search(asked: messages.Searching) -> Response:
        """Search by words, by latents and by both."""
        return _json(search_systems(place, asked))

    @app.post("/api/explain")
    def explain(asked: messages.Explaining) -> Response:
        """Tell why documents are found."""
        return _json(explain_hits(place, asked))

    @app.post("/api/compare")
    def comparing(asked: messages.Comparing) -> Response:
        """Compare two queries, or two documents."""
        return _json(compare(place, asked))


def add_reading(app: FastAPI, place: Place) -> None:
    """Add the routes of documents and latents; each takes JSON, and runs in a thread."""

    @app.post("/api/document")
    def document(asked: messages.Reading) -> Response:
        """Read a document."""
        return _json(read_document(place, asked))

    @app.post("/api/latent")
    def latent(asked: messages.Carding) -> Response:
        """Tell what a latent stands for."""
        return _json(card_of(place, asked))

    @app.post("/api/latents")
    def latents(asked: messages.Naming) -> Response:
        """Find latents about something."""
        return _json(find_latents(place, asked))


def _json(content: Json) -> Response:
    try:
        body = orjson.dumps(content, default=str)
    except TypeError:  # half of a surrogate pair: JSON may hold it in a document, UTF-8 may not
        body = json.dumps(content, default=str).encode()
    return Response(body, media_type="application/json")


def _answer(refusal: Refusal) -> Response:
    return Response(refusal.body, refusal.status, refusal.headers, "application/json")


async def _mistaken(_: Request, error: Exception) -> Response:
    return _answer(Refusal(422, "Validation", str(error)))


async def _missing(_: Request, error: Exception) -> Response:
    return _answer(Refusal(404, "Missing", str(error)))


async def _unfit(_: Request, error: Exception) -> Response:
    return _answer(Refusal(409, "State", str(error)))


async def _from_cluster(_: Request, error: Exception) -> Response:
    told = hint(cast(OpenSearchException, error))
    return _answer(Refusal(502, "Backend", f"OpenSearch: {str(error)[:500]}{told and f'. {told}'}"))


ERRORS = {
    ValueError: _mistaken,
    NoDocumentError: _missing,
    SplareError: _unfit,
    OpenSearchException: _from_cluster,
}
