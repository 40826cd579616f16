"""The files of the page, read once: no path of a request ever becomes one of a disk."""

from collections.abc import Mapping
from importlib.resources import files

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def page_files() -> Mapping[str, tuple[bytes, str]]:
    """Return content and kind by path; `/` is the page itself."""
    found = {}
    for file in (files("splare_os") / "explore" / "page").iterdir():
        suffix = f".{file.name.rpartition('.')[2]}"
        if suffix in KINDS:
            path = "/" if file.name == "index.html" else f"/{file.name}"
            found[path] = file.read_bytes(), KINDS[suffix]
    return found


class Page:
    """Answers for the page's files; all else is the application's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._files = app, page_files()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        is_read = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        if not is_read or scope["path"] not in self._files:
            await self._app(scope, receive, send)
            return
        content, kind = self._files[scope["path"]]
        reply = Response(content, headers={"cache-control": "no-cache", "content-type": kind})
        await reply(scope, receive, send)
