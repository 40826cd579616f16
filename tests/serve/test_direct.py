import asyncio
import json

import pytest
from fastapi import FastAPI
from fastapi.responses import Response
from fastapi.routing import APIRoute

from splare_os.serve.direct import DirectRoute
from splare_os.serve.messages import Texts
from splare_os.serve.routes import Fingerprint

JSON = "application/json"


def answered(route: type[APIRoute], content: bytes, kind: str = JSON) -> tuple[int, bytes]:
    """Return status and body of what an application of one route answers."""
    app = FastAPI()
    app.router.route_class = route

    @app.post("/texts")
    async def texts(body: Texts, fingerprint: Fingerprint = None) -> Response:
        return Response(json.dumps([body.texts, fingerprint]))

    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    headers = [(b"content-type", kind.encode()), (b"splare-fingerprint", b"f1")]
    scope = {"type": "http", "method": "POST", "path": "/texts", "raw_path": b"/texts"}
    scope |= {"query_string": b"", "root_path": "", "headers": headers, "http_version": "1.1"}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent)


def test_a_good_request_passes_fastapis_reading_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastapi.routing.solve_dependencies", None)
    status, found = answered(DirectRoute, b'{"texts": ["oil", "\\u00e9"]}')
    assert (status, json.loads(found)) == (200, [["oil", "é"], "f1"])
    with pytest.raises(TypeError):
        answered(APIRoute, b'{"texts": ["oil"]}')


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"texts": ["oil"]}', JSON),
        (b'{"texts": ["oil"]}', f"{JSON}; charset=utf-8"),
        (b'{"texts": ["oil"]}', "text/plain"),
        (b'{"texts": ["\\ud800"]}', JSON),
        (b'{"texts": "oil"}', JSON),
        (b'{"texts": ["oil"], "more": 1}', JSON),
        (b'{"texts": [', JSON),
        (b"", JSON),
    ],
)
def test_every_other_request_is_answered_as_ever(content: bytes, kind: str) -> None:
    assert answered(DirectRoute, content, kind) == answered(APIRoute, content, kind)
