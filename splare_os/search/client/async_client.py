"""`AsyncSplareOpenSearch`: an `opensearchpy.AsyncOpenSearch` that understands a `splare` clause.

Requests are rewritten by the synchronous client's own code, in a thread: what it asks the cluster
goes over the event loop's connections, and encoding leaves the loop alone.
"""

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any, cast

from opensearchpy import AsyncOpenSearch, AsyncTransport, NotFoundError, TransportError

from ..log.watching import SearchWatch
from ..request.request import Request
from ..request.rewritten import Rewritten, as_it_is
from ..rewrite.rewrite import Rewriter, is_rewritten
from .bridge import Bridge, BridgedTransport
from .client import LOOKS, SplareOpenSearch, SplareTransport, rewriting, unsteady

OPTIONS = {
    name
    for name, one in signature(SplareOpenSearch).parameters.items()
    if one.kind is Parameter.KEYWORD_ONLY
}
"""What a client of ours takes beside what opensearch-py's does."""


class AsyncSplareTransport:
    """What stands over an asynchronous transport: searches are rewritten, all else passes."""

    is_over_theirs = False
    bridge: Bridge | None = None
    rewriter: Rewriter
    search_watch: SearchWatch | None = None

    async def perform_request(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Send a request, rewritten if it is a search, and return the server's reply."""
        request = Request.of(*args, **kwargs)
        if self.bridge is None or not is_rewritten(request.url, request.body):
            return await self._send(request)
        if self.search_watch is None:
            return (await self._answered(self.bridge, request))[1]
        with self.search_watch.watching() as watched:
            made, reply = await self._answered(self.bridge, request)
        self.bridge.call(self.search_watch.note, watched, request, made, reply)
        return reply

    async def _answered(self, bridge: Bridge, request: Request) -> tuple[Rewritten, Any]:
        """Return what was sent, and the reply as the application gets it."""
        asked = request.path, request.params, request.body, request.headers
        for _ in range(LOOKS):
            made = await bridge.run(self.rewriter.rewrite, *asked)
            made, reply = await self._sent(request, made)
            if made.fits(reply):
                finishes = made.finish is not as_it_is
                return made, await bridge.run(made.finish, reply) if finishes else reply
            self.rewriter.forget()
        raise unsteady(request.url)

    async def _sent(self, request: Request, made: Rewritten) -> tuple[Rewritten, Any]:
        """Return what was sent and its reply; if that is a refusal, those of what stands in."""
        try:
            reply = await self._send(request.with_content(made, self))
        except TransportError as error:
            if isinstance(error, NotFoundError):
                self.rewriter.forget()  # what comes in its place may be of another model
            if (instead := made.otherwise(error)) is None:
                raise
        else:
            if (instead := made.otherwise(reply)) is None:
                return made, reply
        return instead, await self._send(request.with_content(instead, self))

    async def _send(self, request: Request) -> Any:  # noqa: ANN401
        send = super().perform_request  # type: ignore[misc]  # of the transport below
        return await send(request.method, request.url, **request.sending)

    def understand(self, options: Mapping[str, Any]) -> None:
        """Rewrite from now on, as a synchronous client with these options does."""
        self.bridge = Bridge(lambda *args, **kwargs: self._send(Request.of(*args, **kwargs)))
        own = {"serializer": self.serializer} if hasattr(self, "serializer") else {}
        client = SplareOpenSearch([], BridgedTransport, bridge=self.bridge, **own, **options)
        inner = cast(SplareTransport, client.transport)
        self.rewriter = cast(Rewriter, inner.rewriter)
        self.search_watch = inner.search_watch

    async def close(self) -> None:
        """Close all connections, once the log of searches is written and nothing is running."""
        if self.bridge is not None:
            if self.search_watch is not None:
                await self.bridge.run(self.search_watch.writer.close)
            await self.bridge.close()
        await super().close()  # type: ignore[misc]


class AsyncSplareOpenSearch(AsyncOpenSearch):
    """`opensearchpy.AsyncOpenSearch`, in whose searches a `splare` clause may stand.

    The options, what is served and what is refused are those of `SplareOpenSearch`. What a
    `search_log` notes goes over the event loop's connections too, and is written when it closes.
    """

    def __init__(
        self,
        hosts: Any = None,  # noqa: ANN401
        transport_class: type[AsyncTransport] = AsyncTransport,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        options = {name: kwargs.pop(name) for name in OPTIONS & kwargs.keys()}
        super().__init__(hosts, rewriting(AsyncSplareTransport, transport_class), **kwargs)
        cast(AsyncSplareTransport, self.transport).understand(options)
