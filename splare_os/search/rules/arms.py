"""Who gets which arm of a rollout: the same user always the same, as many as the rule says."""

import hashlib
from collections.abc import Mapping

from .rule import Arm, Rule

SHARES = 2**32


def arm_of(rule: Rule, headers: Mapping[str, object]) -> Arm:
    """Return the arm of a request with these headers, whose names may be in any case.

    Every rule divides its users anew; a larger percentage keeps those who had it.

    >>> rule = Rule("r", ("books",), ("text",), percentage=30, header="X-User")
    >>> [arm_of(rule, {"x-user": name}) for name in ("ada", "bob", "cleo")]
    ['treatment', 'control', 'treatment']
    """
    if rule.header is None:  # all of them, or nobody
        return "treatment" if rule.percentage else "control"
    unit = next((one for name, one in headers.items() if name.lower() == rule.header.lower()), None)
    if unit in (None, "", b""):
        return rule.without_header
    return "treatment" if place(rule.name, unit) * 100 < rule.percentage else "control"


def place(rule: str, unit: object) -> float:
    """Return where in [0, 1) a user stands among all, by the hash of rule and user."""
    text = unit.decode(errors="replace") if isinstance(unit, bytes) else str(unit)
    digest = hashlib.sha256(f"{rule}\0{text}".encode()).digest()
    return int.from_bytes(digest[:4]) / SHARES
