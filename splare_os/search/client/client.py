"""`SplareOpenSearch`: an `opensearchpy.OpenSearch` that understands a `splare` clause.

It works at the transport, below every method: `search`, `msearch`, scrolling helpers, the query
builder and raw requests are all served by the one rewrite of a request on its way to the network.
"""

from functools import partial
from typing import Any, cast

from opensearchpy import NotFoundError, OpenSearch, Transport, TransportError

from ...encoder import Encoder
from ...errors import MappingError
from ...paths import StrPath
from ...scoring import Scoring
from ..log.search_log import SearchLog, SearchLogWriter
from ..log.watching import SearchWatch
from ..query.query import Dialect
from ..request.request import Request
from ..request.rewritten import Rewritten
from ..rewrite.rewrite import RewriteOptions, Rewriter
from ..rules import RuledRewriter, find_rules
from ..rules import Source as RulesSource
from ..steer.profiles import Source as ProfilesSource
from ..steer.profiles import read_profiles
from ..weigh.check import Missing
from ..weigh.collection import MAX_AGE_S
from ..weigh.queries import CACHE_BYTES

LOOKS = 3
"""How often a request is made anew whose name stands for other indices than it did before."""


class SplareTransport:
    """What stands over a transport: searches are rewritten, everything else passes as it is.

    `is_over_theirs`: the transport below is opensearch-py's own, and no application's.
    """

    is_over_theirs = False
    rewriter: Rewriter | None = None
    search_watch: SearchWatch | None = None

    def perform_request(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Send a request, rewritten if it is a search, and return the server's reply."""
        request = Request.of(*args, **kwargs)
        if self.rewriter is None:  # it looks for nodes
            return self._send(request)
        if self.search_watch is None:
            return self._answered(self.rewriter, request)[1]
        with self.search_watch.watching() as watched:
            made, reply = self._answered(self.rewriter, request)
        self.search_watch.note(watched, request, made, reply)
        return reply

    def _answered(self, rewriter: Rewriter, request: Request) -> tuple[Rewritten, Any]:
        """Return what was sent, and the reply as the application gets it."""
        for _ in range(LOOKS):
            made = rewriter.rewrite(request.path, request.params, request.body, request.headers)
            made, reply = self._sent(request, made)
            if made.fits(reply):
                return made, made.finish(reply)
            rewriter.forget()
        raise unsteady(request.url)

    def _sent(self, request: Request, made: Rewritten) -> tuple[Rewritten, Any]:
        """Return what was sent and its reply; if that is a refusal, those of what stands in."""
        try:
            reply = self._send(request.with_content(made, self))
        except TransportError as error:
            if isinstance(error, NotFoundError) and self.rewriter is not None:
                self.rewriter.forget()  # what comes in its place may be of another model
            if (instead := made.otherwise(error)) is None:
                raise
        else:
            if (instead := made.otherwise(reply)) is None:
                return made, reply
        return instead, self._send(request.with_content(instead, self))

    def _send(self, request: Request) -> Any:  # noqa: ANN401
        send = super().perform_request  # type: ignore[misc]  # of the transport below
        return send(request.method, request.url, **request.sending)

    def close(self) -> None:
        """Close the connections, once the log of searches is written."""
        if self.search_watch is not None:
            self.search_watch.writer.close()
        super().close()  # type: ignore[misc]


def unsteady(url: str) -> MappingError:
    """Return the error of a name that stood for other indices at each of `LOOKS` looks."""
    return MappingError(f"{url}: it stands for other indices each time it is asked; ask again")


def rewriting(ours: type[Any], transport_class: type[Any]) -> type[Any]:
    """Return a class that does what a transport class does, and rewrites as `ours` does."""
    if issubclass(transport_class, ours):
        return transport_class
    own = {"is_over_theirs": transport_class.__module__.startswith("opensearchpy.")}
    return type(f"Splare{transport_class.__name__}", (ours, transport_class), own)


class SplareOpenSearch(OpenSearch):
    """`opensearchpy.OpenSearch`, in whose searches a `splare` clause may stand as a scoring query.

    `encoder` is an encoder or its name (see `load_encoder`), loaded at the first clause. `scoring`
    is `calibrated` (latents that are rare in the collection weigh more) or `dot`, where a clause
    says nothing else; the collection's statistics are at most `statistics_max_age_s` old. `dialect`
    is `rank_feature`, which every server knows, or `neural_sparse`. `missing_impacts`: a search of
    several indices of which some have no impacts yet is refused, or goes on without them
    (`skip`), with an `OpenSearchWarning`. `steering`: profiles that clauses steer by, a file or
    what stands in one; `{}` for none, where `$SPLARE_STEERING` names a file. `query_cache_bytes`
    are remembered of the queries that were encoded last, and as many of what clauses were
    translated to; queries of concurrent requests are encoded in one batch. With a `search_log`,
    searches are logged in the cluster. Everything else is opensearch-py's. Impacts are left out of
    every `_source` (of hits, inner hits and top hits) unless that one names them; what scrolls
    (`helpers.scan`, `helpers.reindex`) gets documents whole, so that copies keep them. `rules` (or
    a file of them, which `SPLARE_RULES` may name) say which of an application's own searches SPLARE
    takes part in: see docs/rules.md.

    A clause raises `ModelMismatchError` where another model made the index (also one that its name
    has come to stand for since the last search), `MappingError` where the field has no impacts,
    `ValueError` where it would select most of the index. So does an update that would lose the
    impacts of a compact index raise `MappingError`.
    """

    def __init__(  # noqa: PLR0913  # opensearch-py's, and ours by keyword alone
        self,
        hosts: Any = None,  # noqa: ANN401
        transport_class: type[Transport] = Transport,
        *,
        encoder: Encoder | StrPath = "mini",
        scoring: Scoring = "calibrated",
        dialect: Dialect = "rank_feature",
        statistics_max_age_s: float = MAX_AGE_S,
        missing_impacts: Missing = "refuse",
        rules: RulesSource = None,
        steering: ProfilesSource | None = None,
        query_cache_bytes: int = CACHE_BYTES,
        search_log: SearchLog | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(hosts, rewriting(SplareTransport, transport_class), **kwargs)
        transport = cast(SplareTransport, self.transport)
        options = RewriteOptions(
            *(dialect, scoring, statistics_max_age_s, missing_impacts),
            profiles=read_profiles(steering),
            query_cache_bytes=query_cache_bytes,
        )
        known = find_rules(rules)
        ruled = partial(RuledRewriter, rules=known) if known.rules else Rewriter
        transport.rewriter = ruled(self, encoder, options)
        if search_log is not None:
            transport.search_watch = SearchWatch(SearchLogWriter(self, search_log))
