"""Points in time: which indices one reads, asked once, for that never changes."""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256

from opensearchpy import OpenSearch

from ...forks import SafeLock
from ...layout.view import View
from ...reply import part

MOST_POINTS = 1000
"""How many points in time are remembered: those last used."""

MOST_INDICES = 1000
"""Of how many indices a point in time may be."""


class PointsInTime:
    """The points in time that one client searches. An id is long, so its hash is kept."""

    def __init__(self, client: OpenSearch) -> None:
        self._client, self._lock = client, SafeLock()
        self._known: OrderedDict[bytes, str | None] = OrderedDict()

    def indices_of(self, point: Mapping[str, object], view: View) -> str | None:
        """Return the indices of a point in time, which alone knows them; None if it has none."""
        key = sha256(str(point.get("id")).encode()).digest()
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        found, is_whole = self._ask(point, view)
        if not is_whole:  # what is down now may be there at the next search
            return found
        with self._lock:
            self._known[key] = found
            while len(self._known) > MOST_POINTS:
                self._known.popitem(last=False)
        return found

    def _ask(self, point: Mapping[str, object], view: View) -> tuple[str | None, bool]:
        """Return the indices of a point in time, and whether all of its shards have told."""
        aggs = {"indices": {"terms": {"field": "_index", "size": MOST_INDICES}}}
        # without a query the security plugin takes it for Dashboards' list of indices, and finds
        # nothing, silently, for whoever may not do all that Dashboards does
        body = {"size": 0, "pit": point, "query": {"match_all": {}}, "aggs": aggs}
        reply = self._client.search(body=body, headers=dict(view.headers))
        buckets = reply["aggregations"]["indices"]["buckets"]
        shards = part(reply, "_shards")  # a shard that is down is not among the failed
        is_whole = part(shards, "successful") == part(shards, "total")
        return ",".join(bucket["key"] for bucket in buckets) or None, is_whole
