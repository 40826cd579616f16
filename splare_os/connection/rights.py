"""Rights that a cluster's security plugin misses: which, and what to do."""

import re

REFUSED = re.compile(r"no permissions for \[((?:[^][]|\[\w+\])+)\]")
"""Some rights have brackets of their own."""


def missing_right(said: str) -> str:
    """Return what a user is not permitted, by the words of the security plugin; "" if it is not it.

    >>> missing_right("no permissions for [indices:data/write/bulk[s]] and User [name=ada]")
    'indices:data/write/bulk[s]'
    >>> missing_right("index [papers] blocked by: [FORBIDDEN/8/index write (api)];")
    ''
    """
    found = REFUSED.search(said)
    return found[1] if found else ""


def rights_remedy(said: str) -> str:
    """Return what to do about a refusal for want of rights."""
    right = missing_right(said)
    if not right:
        return "Give credentials that may do that (docs/connections.md)"
    return (
        f"Grant {right} to a role of this user (docs/deployment.md#roles), or give credentials "
        "that may do that (docs/connections.md)"
    )
