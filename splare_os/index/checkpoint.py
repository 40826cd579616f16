"""How far a backfill is, on disk: one small file, replaced whole at each step."""

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

import orjson

from ..durable import write_durably
from ..errors import JobError
from ..lock import lock
from .life import Life


@dataclass(frozen=True)
class Scope:
    """What has to be the same for a backfill to go on where it stopped."""

    index_uuid: str
    dead_letters: str
    history: str = ""  # of its writes; earlier versions did not note it


@dataclass(frozen=True, slots=True)
class Sent:
    """An update that the cluster may have stored: what it says of the text, and what it counts."""

    digest: str
    status: str
    routing: str | None = None


@dataclass(frozen=True)
class Position:
    """Up to which write each shard is done, with which outcomes, and the dead letters' length.

    `first` are the shards' checkpoints when the job began: what was there before it. `sent`, by id,
    is on its way: after a kill nobody else knows what of it the job has stored.
    """

    shards: Mapping[int, int] = field(default_factory=dict)
    first: Mapping[int, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    dead_bytes: int = 0
    sent: Mapping[str, Sent] = field(default_factory=dict)
    is_done: bool = False

    @property
    def n_read(self) -> int:
        """Number of the writes that were looked at."""
        return sum(upto + 1 for upto in self.shards.values())

    def landed(self, shard: int, upto: int, ids: Collection[str]) -> "Position":
        """Return the position once a shard is done up to a write, and `ids` are on no way more."""
        left = {name: one for name, one in self.sent.items() if name not in ids}
        return replace(self, shards={**self.shards, shard: upto}, sent=left)


class Checkpoint:
    """The file of one backfill, locked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.scope: Scope | None = None
        self.position = Position()
        self.life = Life()

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Yield the checkpoint at `path`; `JobError` if another process holds it."""
        with _errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.with_suffix(".lock").open("a")
        busy = f"another backfill is at this job ({path}): let it finish, or stop it"
        with file:
            lock(file, JobError(busy))
            yield cls(path)

    def start(
        self, scope: Scope, dead_bytes_on_disk: int, *, index: str = "", model: str = ""
    ) -> None:
        """Take up the job where it stopped; one that was done begins where it ended.

        `index` and `model` are told to who lists jobs.
        """
        known = self._read()
        self.scope = scope
        if known is None or known[0] != scope:
            self.position = Position()
        elif known[1].is_done:
            self.position = Position(known[1].shards)
        else:  # dead letters that are gone would be missed
            self.position = known[1] if dead_bytes_on_disk >= known[1].dead_bytes else Position()
        n_done = sum(self.position.counts.values())
        self.life = Life(index, model, time.time(), n_done, self.position.n_read)

    def forget(self) -> None:
        """Begin anew: what is known of an earlier run is not read."""
        with _errors(self.path):
            self.path.unlink(missing_ok=True)

    def _read(self) -> tuple[Scope, Position] | None:
        try:
            body = orjson.loads(self.path.read_bytes())
            position = body["position"]
            shards, first = _by_number(position.pop("shards")), _by_number(position.pop("first"))
            sent = {name: Sent(**one) for name, one in position.pop("sent", {}).items()}
            return Scope(**body["scope"]), Position(shards, first, sent=sent, **position)
        except FileNotFoundError:
            return None
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise JobError(
                f"checkpoint {self.path}: cannot be read ({error}). Delete it: the backfill starts "
                "over, and skips what is up to date"
            ) from error

    def save(self, position: Position) -> None:
        """Make `position` durable."""
        told = {"life": self.life, "updated": time.time()}
        body = {"scope": self.scope, "position": asdict(position)} | told
        with _errors(self.path):
            write_durably(self.path, orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS))
        self.position = position


def _by_number(by_name: Mapping[str, int]) -> dict[int, int]:
    return {int(shard): int(upto) for shard, upto in by_name.items()}


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise JobError(
            f"checkpoint {path}: {error}. Make room or give another state folder, then run again"
        ) from error
