"""`SplareOpenSearch`: an `opensearchpy.OpenSearch` that understands a `splare` clause.

It works at the transport, below every method: `search`, `msearch`, scrolling helpers, the query
builder and raw requests are all served by the one rewrite of a request on its way to the network.
"""

from collections.abc import Mapping
from typing import Any, cast

from opensearchpy import OpenSearch, Transport
from opensearchpy.helpers.query import Query

from ..encoder import Encoder
from ..scoring import Scoring
from .collection import MAX_AGE_S
from .query import Dialect
from .rewrite import RewriteOptions, Rewriter


class Splare(Query):
    """The clause for opensearch-py's query builder: `Q("splare", text="oil embargo")`."""

    name = "splare"


class SplareTransport(Transport):
    """A transport that rewrites searches; everything else passes as it is."""

    rewriter: Rewriter

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
        params, body = self.rewriter.rewrite(url, params, body, headers)
        return super().perform_request(method, url, params, body, timeout, ignore, headers)


class SplareOpenSearch(OpenSearch):
    """`opensearchpy.OpenSearch`, in whose searches a `splare` clause may stand as a scoring query.

    `encoder` is an encoder or its name (see `load_encoder`), loaded at the first clause. `scoring`
    is `calibrated` (latents that are rare in the collection weigh more) or `dot`, where a clause
    says nothing else; the collection's statistics are at most `statistics_max_age_s` old. `dialect`
    is `rank_feature`, which every server knows, or `neural_sparse`. Everything else is
    opensearch-py's. Impacts are left out of every `_source` (of hits, inner hits and top hits)
    unless that one names them.

    A clause raises `ModelMismatchError` where another model made the index, `MappingError` where
    the field has no impacts, `ValueError` where it would select most of the index.
    """

    def __init__(
        self,
        hosts: Any = None,  # noqa: ANN401
        *,
        encoder: Encoder | str = "mini",
        scoring: Scoring = "calibrated",
        dialect: Dialect = "rank_feature",
        statistics_max_age_s: float = MAX_AGE_S,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(hosts, transport_class=SplareTransport, **kwargs)
        transport = cast(SplareTransport, self.transport)
        options = RewriteOptions(dialect, scoring, statistics_max_age_s)
        transport.rewriter = Rewriter(self, encoder, options)
