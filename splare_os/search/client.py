"""`SplareOpenSearch`: an `opensearchpy.OpenSearch` that understands a `splare` clause.

It works at the transport, below every method: `search`, `msearch`, scrolling helpers, the query
builder and raw requests are all served by the one rewrite of a request on its way to the network.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from opensearchpy import OpenSearch, Transport, TransportError
from opensearchpy.helpers.query import Query

from ..encoder import Encoder
from ..errors import MappingError
from ..scoring import Scoring
from .check import Missing
from .collection import MAX_AGE_S
from .profiles import Source as ProfilesSource
from .profiles import read_profiles
from .query import Dialect
from .rewrite import RewriteOptions, Rewriter
from .rewritten import Rewritten
from .rules import RuledRewriter, find_rules
from .rules import Source as RulesSource

LOOKS = 3
"""How often a request is made anew whose name stands for other indices than it did before."""


class Splare(Query):
    """The clause for opensearch-py's query builder: `Q("splare", text="oil embargo")`."""

    name = "splare"


class SplareTransport(Transport):
    """A transport that rewrites searches; everything else passes as it is."""

    rewriter: Rewriter | None = None

    def perform_request(  # noqa: PLR0913, PLR0917  # the signature is opensearch-py's
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,  # noqa: ANN401
        timeout: float | None = None,
        ignore: Any = (),  # noqa: ANN401
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401
        """Send a request, rewritten if it is a search, and return the server's reply."""
        if self.rewriter is None:  # it looks for nodes
            return super().perform_request(method, url, params, body, timeout, ignore, headers)
        send = partial(super().perform_request, method, url)
        for _ in range(LOOKS):
            made, reply = _sent(
                lambda one: send(one.params, one.body, timeout, ignore, headers),
                self.rewriter.rewrite(url, params, body, headers),
            )
            if made.fits(reply):
                return made.finish(reply)
            self.rewriter.forget()
        raise MappingError(f"{url}: it stands for other indices each time it is asked; ask again")


def _sent(send: Callable[[Rewritten], Any], made: Rewritten) -> tuple[Rewritten, Any]:
    """Return a request and the reply to it; if it is refused, those of what stands in for it."""
    try:
        reply = send(made)
    except TransportError as error:
        if (instead := made.otherwise(error)) is None:
            raise
        return instead, send(instead)
    instead = made.otherwise(reply)
    return (made, reply) if instead is None else (instead, send(instead))


def _rewriting(transport_class: type[Transport]) -> type[Transport]:
    """Return a transport class that rewrites, and else does what an application's own does."""
    if issubclass(SplareTransport, transport_class):
        return SplareTransport
    if issubclass(transport_class, SplareTransport):
        return transport_class
    return type(f"Splare{transport_class.__name__}", (SplareTransport, transport_class), {})


class SplareOpenSearch(OpenSearch):
    """`opensearchpy.OpenSearch`, in whose searches a `splare` clause may stand as a scoring query.

    `encoder` is an encoder or its name (see `load_encoder`), loaded at the first clause. `scoring`
    is `calibrated` (latents that are rare in the collection weigh more) or `dot`, where a clause
    says nothing else; the collection's statistics are at most `statistics_max_age_s` old. `dialect`
    is `rank_feature`, which every server knows, or `neural_sparse`. `missing_impacts`: a search of
    several indices of which some have no impacts yet is refused, or goes on without them
    (`skip`), with an `OpenSearchWarning`. `steering`: profiles that clauses steer by, a file or
    what stands in one; `{}` for none, where `$SPLARE_STEERING` names a file. Everything else is
    opensearch-py's. Impacts are left out of every `_source` (of hits, inner hits and top hits)
    unless that one names them; what scrolls (`helpers.scan`, `helpers.reindex`) gets documents
    whole, so that copies keep them. `rules` (or a file of them, which `SPLARE_RULES` may name) say
    which of an application's own searches SPLARE takes part in: see docs/rules.md.

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
        encoder: Encoder | str = "mini",
        scoring: Scoring = "calibrated",
        dialect: Dialect = "rank_feature",
        statistics_max_age_s: float = MAX_AGE_S,
        missing_impacts: Missing = "refuse",
        rules: RulesSource = None,
        steering: ProfilesSource | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(hosts, _rewriting(transport_class), **kwargs)
        transport = cast(SplareTransport, self.transport)
        options = RewriteOptions(
            *(dialect, scoring, statistics_max_age_s, missing_impacts), read_profiles(steering)
        )
        known = find_rules(rules)
        ruled = partial(RuledRewriter, rules=known) if known.rules else Rewriter
        transport.rewriter = ruled(self, encoder, options)
