"""What an examination of a cluster finds: a line that is ok, a warning, or a failure to mend."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from opensearchpy import AuthorizationException, TransportError

from ...connection import hint, is_blocked, missing_right
from ...errors import SplareError

Status: TypeAlias = Literal["ok", "warning", "failure"]


@dataclass(frozen=True)
class Finding:
    """`check` is what was looked at, `found` what there is; `remedy` is empty where all is well."""

    check: str
    status: Status
    found: str
    remedy: str = ""


def ok(check: str, found: str) -> Finding:
    """Return that nothing is to be done."""
    return Finding(check, "ok", found)


def warning(check: str, found: str, remedy: str) -> Finding:
    """Return what works, and could be better."""
    return Finding(check, "warning", found, remedy)


def failure(check: str, found: str, remedy: str) -> Finding:
    """Return what does not work."""
    return Finding(check, "failure", found, remedy)


def seen(check: str, needs: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield what `look` finds; what may not be seen is a warning that tells the permission.

    `needs` is the permission, where the cluster does not name it. An error of ours is a failure.
    """
    try:
        yield from look()
    except TransportError as error:
        if isinstance(error, AuthorizationException) and not is_blocked(error):
            right = missing_right(str(error)) or needs
            remedy = f"grant {right} to this user, if it is to be checked"
            yield warning(check, "it may not be looked at", remedy)
        else:
            remedy = hint(error) or "look at the cluster's log"
            yield warning(check, f"it cannot be looked at: {error}", remedy)
    except SplareError as error:
        text, _, remedy = str(error).partition(": ")
        yield failure(check, text, remedy or "see docs/search.md")
