"""Where the embedded cluster lives, whose the folders are, and as whom the server runs."""

import fcntl
import logging
import os
import pwd
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import ClusterError
from .resources import ELSEWHERE

log = logging.getLogger(__name__)

ROOT_HOME = Path("/var/lib/splare-os")
"""Root's home, outside of HOME: the server does not run as root, and could not enter /root."""

UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """The user that the server runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Home:
    """Where things live; `account` is None when the server runs as ourselves."""

    cache: Path
    node: Path
    account: Account | None


def locate(environ: Mapping[str, str] = os.environ) -> Home:
    """Return the home of the current user; SPLARE_HOME overrides the default place."""
    if sys.platform != "linux":
        raise ClusterError(
            f"the embedded OpenSearch runs on Linux, not on {sys.platform}: "
            "set SPLARE_URL to an OpenSearch that already runs."
        )
    account = _unprivileged() if os.geteuid() == 0 else None
    chosen = environ.get("SPLARE_HOME") or (ROOT_HOME if account else None)
    if chosen:
        folder = Path(chosen).absolute()
        return Home(cache=folder / "cache", node=folder / "node", account=account)
    cache = _xdg(environ, "XDG_CACHE_HOME", ".cache")
    state = _xdg(environ, "XDG_STATE_HOME", ".local/state")
    return Home(cache=cache / "splare-os", node=state / "splare-os" / "node", account=None)


def _xdg(environ: Mapping[str, str], variable: str, default: str) -> Path:
    """Return an XDG base directory; the specification says to ignore relative ones."""
    path = Path(environ.get(variable, ""))
    return path if path.is_absolute() else Path.home() / default


def _unprivileged() -> Account:
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise ClusterError(
            f"OpenSearch refuses to run as root, and there is no user {UNPRIVILEGED!r} to run it "
            f"as. Create one, run this command as an ordinary user, {ELSEWHERE}."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def own(folder: Path, account: Account | None) -> Path:
    """Return `folder`, made if missing, after checking that only we can change what it holds.

    With an `account` the server's user can also enter it (mode 755, else 700).
    """
    mode = 0o755 if account else 0o700
    if split_at := sorted(set("=:,") & set(str(folder))):
        raise ClusterError(
            f"the folder {folder} has {' '.join(split_at)} in its path, where Java or OpenSearch "
            "split it: set SPLARE_HOME to another folder."
        )
    try:
        for missing in [path for path in [*folder.parents][::-1] if not path.exists()]:
            missing.mkdir(mode=mode, exist_ok=True)
            missing.chmod(mode)  # whatever the umask
        folder.mkdir(mode=mode, exist_ok=True)
        _check(folder, account)
        folder.chmod(mode)
    except OSError as error:
        raise ClusterError(
            f"can't use the folder {folder}: {error}. Set SPLARE_HOME to a folder of your own."
        ) from error
    return folder


def _check(folder: Path, account: Account | None) -> None:
    """Raise ClusterError when others can change `folder`, or `account` can't enter it."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise _refused(folder, f"not a folder that user id {os.geteuid()} owns")
    if found.st_mode & 0o022:
        raise _refused(folder, f"writable by other users (mode {found.st_mode & 0o777:o})")
    for parent in folder.resolve().parents if account else ():
        above = parent.stat()
        if above.st_uid != 0 or (above.st_mode & 0o022 and not above.st_mode & stat.S_ISVTX):
            raise _refused(folder, f"below {parent}, which other users than root can change")
        if not above.st_mode & 0o001:
            raise _refused(
                folder, f"below {parent}, which the server's user {UNPRIVILEGED!r} can't enter"
            )


def _refused(folder: Path, reason: str) -> ClusterError:
    return ClusterError(
        f"{folder} is {reason}, so a server must not run from it. "
        f"Put that right, set SPLARE_HOME to another folder, {ELSEWHERE}."
    )


def temporary(account: Account | None) -> Path:
    """Return a new folder for a node that is thrown away, which the server's user can enter."""
    parents = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
    for parent in parents if account else parents[:1]:
        if not account or all(p.stat().st_mode & 0o001 for p in [parent, *parent.parents]):
            return own(Path(tempfile.mkdtemp(prefix="splare-os-", dir=parent)), account)
    raise ClusterError(f"user {UNPRIVILEGED!r} can enter none of {', '.join(map(str, parents))}.")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`: one process at a time unpacks, starts or stops there."""
    with (folder / "lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("waiting folder=%s reason=another process works there", folder)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
