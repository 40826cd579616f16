"""A Dashboards that answers as 2.19 does where it was tried: its own API of saved objects.

The real one needs a browser's worth of packages, which no registry of Python has.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

Name = tuple[str, str]


@dataclass
class Dashboards:
    """What is saved, by type and id; `refused` are ids that fail; `login` is user and password.

    `status` and `page` are answered to everything, if set; `keeps`: nothing may be deleted.
    """

    url: str = ""
    saved: dict[Name, Any] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    login: str = ""
    status: int = 0
    keeps: bool = False
    page: bytes = b""
    headers: list[dict[str, str]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    found: Dashboards

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: object) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def fails(self) -> bool:
        """Answer what is answered before any API is reached, and return whether it was."""
        found = self.found
        found.headers.append({name.lower(): value for name, value in self.headers.items()})
        if found.status or found.page:
            self.answer(found.status or 200, found.page)
            return True
        expected = "Basic " + base64.b64encode(found.login.encode()).decode()
        if found.login and self.headers.get("authorization") != expected:
            self.answer(401, {"statusCode": 401, "error": "Unauthorized"})
            return True
        if "osd-xsrf" not in self.headers:
            told = "Request must contain a osd-xsrf header."
            self.answer(400, {"statusCode": 400, "message": told})
            return True
        return False

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        if self.fails():
            return
        path = urlsplit(self.path)
        assert (path.path, path.query) == ("/api/saved_objects/_import", "overwrite=true")
        head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
        (part,) = BytesParser(policy=HTTP).parsebytes(head + data).iter_parts()
        if not str(part.get_filename()).endswith(".ndjson"):
            self.answer(400, {"statusCode": 400, "message": "Invalid file extension"})
            return
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        self.answer(200, imported(self.found, [json.loads(line) for line in content.splitlines()]))

    def do_DELETE(self) -> None:
        if self.fails():
            return
        if self.found.keeps:
            self.answer(403, {"statusCode": 403, "error": "Forbidden"})
            return
        _, _, _, type_, id_ = self.path.split("/")
        id_ = unquote(id_)
        if self.found.saved.pop((type_, id_), None) is not None:
            self.answer(200, {})
            return
        told = f"Saved object [{type_}/{id_}] not found"
        self.answer(404, {"statusCode": 404, "error": "Not Found", "message": told})


@contextmanager
def dashboards(**settings: Any) -> Iterator[Dashboards]:
    found = Dashboards(**settings)
    handler = type("Bound", (Handler,), {"found": found})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def imported(found: Dashboards, objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Save objects, and return the reply of an import: its status is 200 though some fail."""
    made, errors = list[Any](), list[Any]()
    for each in objects:
        name = {"type": each["type"], "id": each["id"]}
        if each["id"] in found.refused:
            errors.append(name | {"error": {"type": "unsupported_type"}})
            continue
        over = {"overwrite": True} if (each["type"], each["id"]) in found.saved else {}
        made.append(name | over)
        found.saved[each["type"], each["id"]] = each
    reply = {"success": not errors, "successCount": len(made)}
    return (
        reply | ({"successResults": made} if made else {}) | ({"errors": errors} if errors else {})
    )
