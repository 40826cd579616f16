"""What a new index is like beside its fields; one that is there has to be like that."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from opensearchpy import OpenSearch

from ..errors import MappingError
from ..reply import part
from .compact import compact_source, is_compact
from .records import read_mappings


@dataclass(frozen=True)
class NewIndex:
    """`settings` of a new index ("index.codec", or "codec"), and whether it is compact."""

    settings: Mapping[str, str] = field(default_factory=dict)
    compact: bool = False

    @property
    def named_settings(self) -> dict[str, str]:
        """The settings with their whole names."""
        return {
            name if name.startswith("index.") else f"index.{name}": value
            for name, value in self.settings.items()
        }

    def source(self, impacts_field: str) -> dict[str, object]:
        """Return what the mapping says of `_source`."""
        return {"_source": compact_source(impacts_field)} if self.compact else {}

    def check(self, client: OpenSearch, index: str, impacts_field: str) -> None:
        """Raise `MappingError` where a concrete index that is there is otherwise."""
        self._check_settings(client, index)
        if self.compact and not is_compact(read_mappings(client, index)[index], impacts_field):
            raise MappingError(
                f"index {index!r} is there, and keeps impacts of {impacts_field!r} in _source: an "
                "index is compact from its creation. Leave it out, or index into a new one"
            )

    def _check_settings(self, client: OpenSearch, index: str) -> None:
        if not self.settings:
            return
        reply = client.indices.get_settings(index=index, params={"flat_settings": "true"})
        there = part(reply, index, "settings")
        for name, value in self.named_settings.items():
            if there.get(name) != value:
                raise MappingError(
                    f"index {index!r} is there, with {name}={there.get(name)!r} and not {value!r}: "
                    "settings are those of a new index. Leave them out, or index into a new one"
                )
