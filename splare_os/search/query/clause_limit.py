"""How many clauses a cluster takes in a query: one with more latents is cut to the heaviest."""

import logging
import time
from dataclasses import replace

from opensearchpy import OpenSearch, TransportError

from ...errors import ReplyError
from ...impacts import Impacts
from ...reply import part
from .cut import Cut

log = logging.getLogger(__name__)

CLAUSES = "indices.query.bool.max_clause_count"

USUAL = 1024
"""The limit where nothing else is set, in every version."""

SURELY = 128
"""Latents of a query for which the cluster is not asked: one with a lower limit refuses them."""

TRUSTED_S = 300.0


class ClauseLimit:
    """The limit of one client's cluster, asked when a query has many latents, and remembered."""

    def __init__(self, client: OpenSearch) -> None:
        self._client = client
        self._known: tuple[float, int] = 0.0, USUAL

    def cut(self, cut: Cut, weights: Impacts) -> Cut:
        """Return `cut`, so narrow that what it leaves of `weights` [1, latent] is taken.

        If latents are left out for that, the log tells how many.
        """
        if weights.nnz <= SURELY or cut.of(weights).nnz <= (most := self._most()):
            return cut
        log.warning(
            "a query has %d latents and the cluster takes %d clauses (%s): the heaviest are "
            "searched",
            cut.of(weights).nnz,
            most,
            CLAUSES,
        )
        return replace(cut, top_k=most)

    def _most(self) -> int:
        until, most = self._known
        if time.monotonic() >= until:
            try:
                most = most_clauses(self._client)
            except (TransportError, ReplyError) as error:
                log.warning("%s cannot be read: %s; %d is taken to be it", CLAUSES, error, most)
            self._known = time.monotonic() + TRUSTED_S, most
        return most


def most_clauses(client: OpenSearch) -> int:
    """Return how many clauses a query may have."""
    return int(read_setting(client, CLAUSES) or USUAL)


def read_setting(client: OpenSearch, name: str) -> str | None:
    """Return the value of a setting of the cluster; None if it does not tell."""
    last = name.rpartition(".")[2]  # a filter takes a dot in a flat name for a level
    params = {"include_defaults": "true", "flat_settings": "true", "filter_path": f"*.*{last}"}
    reply = part(client.cluster.get_settings(params=params), kind=dict)
    levels = (reply.get(level) or {} for level in ("transient", "persistent", "defaults"))
    return next((part(one, name, kind=str) for one in levels if name in one), None)
