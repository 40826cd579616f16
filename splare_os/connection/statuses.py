"""Statuses that pass with time: of a cluster, of a model server, of a gateway before either."""

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 531)})
"""Full queues, breakers, restarts; a gateway that has waited too long, or found nobody.

No standard knows those from 520 on, which gateways of content networks answer.
"""
