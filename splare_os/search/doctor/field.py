"""An impacts field of an index, as findings tell of it."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...documents.fields import Fields
from ...layout.records import FieldRecord


@dataclass(frozen=True)
class Field:
    """One impacts field of a concrete index."""

    index: str
    name: str
    record: FieldRecord
    mappings: Mapping[str, Any]

    @property
    def label(self) -> str:
        """What findings call it."""
        return f"{self.index}/{self.name}"

    @property
    def as_made(self) -> str:
        """The options by which a backfill makes impacts of the same texts; others change all."""
        made = self.record.document_fields
        options = ["--text-field", made.text]
        if made.template is not None:
            options += ["--template", made.template]
        elif made.title != Fields.title:
            options += ["--title-field", made.title or ""]
        if self.name != made.impacts_name:
            options += ["--impacts-field", self.name]
        return shlex.join(options)
