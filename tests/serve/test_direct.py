import asyncio
import json

import pytest
from fastapi import FastAPI
from fastapi.responses import Response
from starlette.types import ASGIApp

from splare_os.serve.direct import Direct
from splare_os.serve.messages import Texts
from splare_os.serve.refusal import Refusal
from splare_os.serve.routes import Fingerprint

JSON = "application/json"


def application() -> FastAPI:
    """Return an application of one route."""
    app = FastAPI()

    @app.post("/texts")
    async def texts(body: Texts, fingerprint: Fingerprint = None) -> Response:
        return Response(json.dumps([body.texts, fingerprint]))

    return app


def answered(
    app: ASGIApp, content: bytes, kind: str = JSON, *, method: str = "POST", path: str = "/texts"
) -> tuple[int, bytes]:
    """Return status and body of what an application answers."""
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    headers = [(b"content-type", kind.encode()), (b"splare-fingerprint", b"f1")]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode()}
    scope |= {"query_string": b"", "root_path": "", "headers": headers, "http_version": "1.1"}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent)


def test_a_good_request_passes_fastapis_reading_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastapi.routing.solve_dependencies", None)
    status, found = answered(Direct(application()), b'{"texts": ["oil", "\\u00e9"]}')
    assert (status, json.loads(found)) == (200, [["oil", "é"], "f1"])
    with pytest.raises(TypeError):
        answered(application(), b'{"texts": ["oil"]}')


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"texts": ["oil"]}', JSON),
        (b'{"texts": ["oil"]}', f"{JSON}; charset=utf-8"),
        (b'{"texts": ["\\ud800"]}', JSON),
        (b'{"texts": "oil"}', JSON),
        (b'{"texts": ["oil"], "more": 1}', JSON),
        (b'\xef\xbb\xbf{"texts": ["oil"]}', JSON),
    ],
)
def test_every_other_request_is_answered_as_ever(content: bytes, kind: str) -> None:
    assert answered(Direct(application()), content, kind) == answered(application(), content, kind)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [(b'{"texts": [', JSON, 400), (b"", JSON, 400), (b'{"texts": ["oil"]}', "text/plain", 415)],
)
def test_what_is_no_json_is_refused_before_fastapi(content: bytes, kind: str, status: int) -> None:
    with pytest.raises(Refusal) as refused:
        answered(Direct(application()), content, kind)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/texts"), ("PUT", "/texts"), ("POST", "/text"), ("POST", "/docs")]
)
def test_every_other_route_is_the_applications(method: str, path: str) -> None:
    good = b'{"texts": ["oil"]}'
    found = answered(Direct(application()), good, method=method, path=path)
    assert found == answered(application(), good, method=method, path=path)
    assert found[0] in {404, 405}
