"""The clause and the impacts field for opensearch-py's query builder and its `Document`."""

from collections.abc import Mapping
from typing import Any

from opensearchpy import Object
from opensearchpy.helpers.query import Query

from ...documents.fields import Fields
from ...layout.mapping import properties


class Splare(Query):
    """The clause: `Q("splare", text="oil embargo")`."""

    name = "splare"


class SplareField(Object):
    """The impacts of a text as a field of a `Document`: `text_splare = SplareField()`.

    `Document.init()` maps it as the worker and a backfill need it, which fill it and note the
    model. A document that comes from a search has no impacts with it, unless the search asked for
    them: saved again, it is saved without this field, and is new to the worker and the backfill.
    """

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401  # those of any field
        fields = Fields()
        mapping: dict[str, Any] = properties(fields)[fields.impacts_name]
        super().__init__(dynamic=mapping["dynamic"], properties=mapping["properties"], **kwargs)

    def _serialize(self, data: Any) -> Any:  # noqa: ANN401
        whole = super()._serialize(data)
        return whole if isinstance(whole, Mapping) and whole.get("impacts") else None
