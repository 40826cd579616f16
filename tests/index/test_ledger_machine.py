"""The ledger and its dead letters under any order of steps, kills and restarts."""

import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from splare_os.documents.files import FileState
from splare_os.index.dead_letters import DeadLetters
from splare_os.index.ledger import STATUSES, Identity, Ledger, Progress

DOCUMENT = st.tuples(st.sampled_from("abcde"), st.booleans())
"""An id, and whether the document is dead."""

DOCUMENTS = st.lists(DOCUMENT, min_size=1, max_size=30)


def letter(place: int) -> bytes:
    return b"line %d\n" % place


class LedgerMachine(RuleBasedStateMachine):
    """A worker that reads, lands and is killed; `done` is how far it has told the disk."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "0"
        self.stack = ExitStack()
        self.n_kills = self.stamp = self.done = self.read = 0
        self.is_finished = False

    def teardown(self) -> None:
        self.stack.close()
        shutil.rmtree(self.root)

    @initialize(documents=DOCUMENTS)
    def begin(self, documents: list[tuple[str, bool]]) -> None:
        self.documents = documents
        assert self.open() == "new"

    def open(self) -> str:
        """Start a worker, and return why from the start, if it does so."""
        self.ledger = self.stack.enter_context(Ledger.open(self.folder / "job.sqlite"))
        self.letters = self.stack.enter_context(DeadLetters.open(self.folder / "dead.jsonl"))
        source = FileState("docs.jsonl", 1, str(self.stamp))
        identity = Identity("uuid", (source,), "dead.jsonl")
        why = self.ledger.start(identity, self.letters.n_bytes)
        self.letters.cut(self.ledger.progress.dead_bytes)
        self.read = self.done
        return why

    def kill(self) -> None:
        """Go on with the disk as it is: what was not written is lost, and so are locks."""
        self.n_kills += 1
        after = self.root / str(self.n_kills)
        shutil.copytree(self.folder, after)
        self.stack.close()
        self.stack, self.folder = ExitStack(), after

    def dead_until(self, place: int) -> list[int]:
        return [at for at, (_, is_dead) in enumerate(self.documents[:place], 1) if is_dead]

    def progress(self, place: int) -> Progress:
        """What the ledger has to say once all up to a place are done."""
        ids = [name for name, is_dead in self.documents[:place] if not is_dead]
        counts = dict.fromkeys(STATUSES, 0)
        counts["dead"] = place - len(ids)
        counts["indexed"] = len(set(ids))
        counts["replaced"] = sum(n - 1 for n in Counter(ids).values())
        n_bytes = sum(len(letter(at)) for at in self.dead_until(place))
        return Progress(place, counts, n_bytes)

    @precondition(lambda self: not self.is_finished and self.read < len(self.documents))
    @rule(n=st.integers(1, 7))
    def look_ahead(self, n: int) -> None:
        """Read more, whose ids are noted; an id is a repeat if it stood at any earlier line."""
        first, self.read = self.read, min(self.read + n, len(self.documents))
        live = [
            (at, name)
            for at, (name, is_dead) in enumerate(self.documents[: self.read], 1)
            if at > first and not is_dead
        ]
        seen = self.ledger.seen_before([name for _, name in live], [at for at, _ in live])
        alive = [(at, name) for at, (name, dead) in enumerate(self.documents, 1) if not dead]
        assert seen == [
            any(other == name and there < at for there, other in alive) for at, name in live
        ]

    def append(self, upto: int) -> None:
        self.letters.cut(self.ledger.progress.dead_bytes)
        new = [at for at in self.dead_until(upto) if at > self.done]
        self.letters.append([letter(at) for at in new])

    @precondition(lambda self: not self.is_finished and self.done < self.read)
    @rule(n=st.integers(1, 7))
    def land(self, n: int) -> None:
        """Tell the disk that some of what was read is done."""
        upto = min(self.done + n, self.read)
        self.append(upto)
        self.ledger.advance(self.progress(upto))
        self.done = upto

    @rule()
    def killed(self) -> None:
        """Start again after a kill: where it was, or from the start if it was done."""
        self.kill()
        if self.is_finished:
            self.is_finished, self.done = False, 0
            assert self.open() == "finished before"
        else:
            assert self.open() == ""

    @precondition(lambda self: not self.is_finished and self.done < self.read)
    @rule(n=st.integers(1, 7))
    def killed_between_letters_and_ledger(self, n: int) -> None:
        self.append(min(self.done + n, self.read))
        self.kill()
        assert self.open() == ""

    @rule(documents=DOCUMENTS)
    def source_changes(self, documents: list[tuple[str, bool]]) -> None:
        self.kill()
        self.documents = documents
        self.stamp += 1
        was_finished, self.is_finished, self.done = self.is_finished, False, 0
        changed = "index, sources or dead-letter file changed"
        assert self.open() == ("finished before" if was_finished else changed)

    @precondition(lambda self: self.ledger.progress.dead_bytes and not self.is_finished)
    @rule()
    def letters_are_taken_away(self) -> None:
        self.kill()
        (self.folder / "dead.jsonl").unlink()
        self.done = 0
        assert self.open() == "dead letters are gone"

    @precondition(lambda self: not self.is_finished and self.done == len(self.documents))
    @rule()
    def finish(self) -> None:
        self.ledger.finish()
        self.is_finished = True

    @invariant()
    def disk_says_what_is_done(self) -> None:
        if not hasattr(self, "documents"):
            return
        known = self.progress(self.done) if self.done else Progress()
        assert self.ledger.progress == known
        kept = (self.folder / "dead.jsonl").read_bytes()[: known.dead_bytes]
        assert kept == b"".join(letter(at) for at in self.dead_until(self.done))


LedgerMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLedger = LedgerMachine.TestCase
