"""One indexing job: which sources go where, and the files that remember how far it is."""

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from hashlib import sha256
from pathlib import Path

from opensearchpy import OpenSearch

from ..documents.fields import Fields
from ..documents.files import FileState, absolute, file_state, hashed
from ..documents.sources import is_replayable
from ..encoder import Encoder
from ..errors import JobError
from ..layout.compact import is_compact
from ..layout.cut import DocumentCut
from ..layout.mapping import check_target
from ..layout.records import find_impacts, read_mappings, records_of
from ..paths import StrPath
from ..reply import part
from ..scoring import Scoring, check_scoring
from .actions import Target
from .bulk import BulkOptions
from .ledger import PIPE, Identity
from .patience import Patience

MOST_STEM_BYTES = 200


@dataclass(frozen=True)
class IngestOptions:
    """What goes where, and the bounds of memory and of patience.

    `top_k` and `mass` say which impacts of a document are kept (`DocumentCut`); None is what the
    index's record says, or else all that the encoder gives. `scoring` is what a new index is made
    for, `calibrated` if it is None. `state_folder` holds the ledgers (default
    `$XDG_STATE_HOME/splare-os/jobs`), and the dead letters unless `dead_letters` names a file for
    them; that file is written anew. `hash_sources` reads sources once more at the start of a run,
    to notice one that was written anew with the same size and time. `is_restarted`: begin anew,
    whatever an earlier run has done. `bulk_load`: no refresh and no replicas while it runs.
    `settings` are those of a new index. `force_merge`: into so many segments at the end. `compact`:
    a new index keeps impacts out of `_source` (`splare_os.layout.compact` says what that costs).
    `chunk_documents` are encoded at a time; None: a few hundred, and more where that takes no time.
    """

    index: str
    fields: Fields = field(default_factory=Fields)
    top_k: int | None = None
    mass: float | None = None
    scoring: Scoring | None = None
    chunk_documents: int | None = None
    chunk_bytes: int = 2**20
    bulk: BulkOptions = field(default_factory=BulkOptions)
    patience: Patience = field(default_factory=Patience)
    state_folder: StrPath | None = None
    dead_letters: StrPath | None = None
    hash_sources: bool = False
    is_restarted: bool = False
    bulk_load: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    force_merge: int | None = None
    compact: bool = False

    def __post_init__(self) -> None:
        """Refuse an index that cannot be written to, and bounds that nothing fits."""
        check_target(self.index)
        _ = self.cut
        check_scoring(self.scoring)
        if self.force_merge is not None and self.force_merge < 1:
            raise ValueError(f"force_merge={self.force_merge}: leave at least one segment")
        if min(self.chunk_documents or 1, self.chunk_bytes) < 1 or self.chunk_documents == 0:
            raise ValueError(
                f"chunk_documents={self.chunk_documents}, chunk_bytes={self.chunk_bytes}: each has "
                "to be at least 1"
            )

    @property
    def cut(self) -> DocumentCut:
        """Which impacts of a document are to be kept."""
        return DocumentCut(self.top_k, self.mass)


@dataclass(frozen=True)
class Job:
    """The files of a job, and whether its sources can be read a second time."""

    ledger: Path
    dead_letters: Path
    can_resume: bool


def default_state_folder() -> Path:
    """Return where jobs are remembered: `$XDG_STATE_HOME` or `~/.local/state`, below it."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "splare-os" / "jobs"


def state_folder(options: IngestOptions) -> Path:
    """Return where the jobs of such options are remembered."""
    return Path(options.state_folder or default_state_folder())


def file_stem(index: str) -> str:
    """Return what tells an index in the names of files: its own may be as long as theirs may be.

    >>> len(file_stem("x" * 255))
    200
    """
    return index.encode()[:MOST_STEM_BYTES].decode(errors="ignore")


def find_target(
    client: OpenSearch, encoder: Encoder, index: str, fields: Fields, cut: DocumentCut
) -> Target:
    """Return where impacts go, once the concrete index takes them, and how they are cut."""
    found = find_impacts(client, index, fields, encoder)
    record = found.records[index]
    mappings = read_mappings(client, index)[index]
    return Target(
        index,
        found.name,
        encoder.fingerprint,
        cut.over(record.cut),
        record.saturation,
        other_fields(index, mappings, found.name),
        is_compact(mappings, found.name),
        encoder.name,
        record,
    )


def other_fields(
    index: str, mappings: Mapping[str, object], field: str
) -> tuple[tuple[str, Fields], ...]:
    """Return the impacts fields of an index beside `field`, and what each is made from."""
    records = records_of(index, mappings).items()
    return tuple((name, one.document_fields) for name, one in records if name != field)


def find_job(
    client: OpenSearch, target: Target, sources: Sequence[str], options: IngestOptions
) -> Job:
    """Return the job of these sources: the same command gives the same job.

    Its key is a hash over paths, cluster, index, fields, model and cut. A pipe cannot be read
    again, so a job with one is never the same.
    """
    can_resume = all(map(is_replayable, sources))
    parts = [
        *map(absolute, sources),
        part(client.info(), "cluster_uuid", kind=str),
        options.index,
        *astuple(options.fields),
        target.fingerprint,
        target.cut.mark,
        *([] if target.saturation is None else astuple(target.saturation)),
        "" if can_resume else secrets.token_hex(8),
    ]
    key = sha256("\n".join(map(str, parts)).encode()).hexdigest()[:8]
    folder = state_folder(options)
    name = f"{file_stem(options.index)}-{key}{'' if can_resume else PIPE}"
    letters = Path(options.dead_letters or folder / f"{name}.dead.jsonl")
    if str(letters.resolve()) in map(absolute, sources):
        raise ValueError(f"dead letters {letters}: that is one of the sources; name another file")
    if letters.exists() and not letters.is_file():
        raise ValueError(f"dead letters {letters}: not a regular file; name one that can be kept")
    return Job(folder / f"{name}.sqlite", letters.resolve(), can_resume)


def identify(
    job: Job,
    sources: Sequence[str],
    index: tuple[str, str],
    options: IngestOptions,
    *,
    created: bool,
) -> Identity:
    """Return what must still hold when the job goes on after a stop; of the index uuid, history."""
    files = tuple(_state(source, options) for source in sources) if job.can_resume else ()
    uuid, history = index
    return Identity(uuid, files, str(job.dead_letters), created, history)


def _state(source: str, options: IngestOptions) -> FileState:
    state = file_state(source)
    if state is None:
        raise JobError(f"{source} is gone since the run began: put it back, and run again")
    return hashed(state) if options.hash_sources else state
