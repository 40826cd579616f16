"""What a backfill adds impacts to, and its bounds."""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch

from ..documents.fields import Fields
from ..layout.cut import DocumentCut
from ..layout.mapping import check_target
from ..paths import StrPath
from ..reply import part
from ..scoring import Scoring, check_scoring
from .actions import Target
from .bulk import BulkOptions
from .job import default_state_folder, file_stem
from .pace import Pace
from .patience import Patience


@dataclass(frozen=True)
class BackfillOptions:
    """Which documents of `index` (a name or an alias) get impacts, and the bounds.

    `where` is a query, None: all documents; never those that an alias leaves out. `watch`: go on
    with what others write, looking every `poll_s` seconds. `max_rate` bounds documents written a
    second, `share` is the share of the time in which it works at all (1: as fast as it goes).
    `is_restarted`: look at all documents again.
    `top_k`, `mass`, `scoring`, `state_folder` and `dead_letters` are those of `IngestOptions`.
    """

    index: str
    fields: Fields = field(default_factory=Fields)
    where: Mapping[str, Any] | None = None
    watch: bool = False
    is_restarted: bool = False
    top_k: int | None = None
    mass: float | None = None
    scoring: Scoring | None = None
    max_rate: float | None = None
    share: float = 0.25
    poll_s: float = 1.0
    page_documents: int = 64
    bulk: BulkOptions = field(default_factory=BulkOptions)
    patience: Patience = field(default_factory=Patience)
    state_folder: StrPath | None = None
    dead_letters: StrPath | None = None

    def __post_init__(self) -> None:
        """Refuse an index that cannot be written to, and bounds that nothing fits."""
        check_target(self.index)
        _ = self.cut
        check_scoring(self.scoring)
        if self.page_documents < 1 or not self.poll_s > 0:
            raise ValueError(
                f"page_documents={self.page_documents}, poll_s={self.poll_s}: each has to be "
                "positive"
            )
        Pace(self.max_rate, self.share)

    @property
    def cut(self) -> DocumentCut:
        """Which impacts of a document are to be kept."""
        return DocumentCut(self.top_k, self.mass)

    def within(self, selected: Mapping[str, Any] | None) -> "BackfillOptions":
        """Return the same for those documents alone that match `selected` too; None: for all."""
        if selected is None:
            return self
        both = [selected] if self.where is None else [self.where, selected]
        return replace(self, where={"bool": {"filter": both}})

    def files(self, client: OpenSearch, target: Target) -> tuple[Path, Path]:
        """Return the files of the job of one concrete index: checkpoint, dead letters.

        Their key is a hash over cluster, index, fields, model, cut and query.
        """
        parts = [
            part(client.info(), "cluster_uuid", kind=str),
            target.index,
            *astuple(self.fields),
            target.fingerprint,
            target.cut.mark,
            *([] if target.saturation is None else astuple(target.saturation)),
            json.dumps(self.where, sort_keys=True, separators=(",", ":")),
        ]
        key = sha256("\n".join(map(str, parts)).encode()).hexdigest()[:8]
        folder = Path(self.state_folder or default_state_folder())
        name = f"{file_stem(target.index)}-backfill-{key}"
        letters = Path(self.dead_letters or folder / f"{name}.dead.jsonl")
        if letters.exists() and not letters.is_file():
            raise ValueError(f"dead letters {letters}: not a regular file; name another")
        return folder / f"{name}.json", letters.resolve()
