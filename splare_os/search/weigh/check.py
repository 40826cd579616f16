"""Whether what a request searches was made by the encoder's model: asked seldom, and remembered."""

import time
import warnings
from collections.abc import Mapping
from typing import Literal, TypeAlias

from opensearchpy import OpenSearch
from opensearchpy.exceptions import OpenSearchWarning

from ...documents.fields import Fields
from ...encoder import Encoder
from ...errors import MappingError
from ...layout.records import TRUSTED_S, FoundImpacts, find_impacts
from ...layout.view import Headers, View
from ..query.query import Dsl
from .points import PointsInTime

Missing: TypeAlias = Literal["refuse", "skip"]
"""What is done with indices of a search that have no impacts (yet)."""

Question: TypeAlias = tuple[str | None, Fields, frozenset[tuple[str, str]], str]
"""Index, fields, options and credentials: names may stand for other indices to another user."""


class ModelCheck:
    """The questions of one client whose answer was good, each for `TRUSTED_S`."""

    def __init__(self, client: OpenSearch, missing: Missing = "refuse") -> None:
        self._client, self._missing, self._points = client, missing, PointsInTime(client)
        self._good: dict[Question, tuple[float, FoundImpacts]] = {}

    def __call__(
        self, index: str | None, body: Dsl, field: str | Fields, encoder: Encoder, view: View
    ) -> FoundImpacts:
        """Return where the impacts of the text field `field` are, all made by `encoder`'s model.

        `Fields` in its place name the field of the impacts, too.

        `MappingError` or `ModelMismatchError` if they are not; where indices without impacts are
        skipped, an `OpenSearchWarning` each time that their mappings are read. `index` is what a
        request searches with `body`; None is all, or a point in time.
        """
        fields = Fields(field, None) if isinstance(field, str) else field
        if index is None and isinstance(point := body.get("pit"), Mapping):
            index, view = self._points.indices_of(point, view), View(headers=view.headers)
            if index is None:  # nothing is in it, so nothing is found
                return FoundImpacts(fields.impacts_name, {})
        _refuse_remote(index or "")
        question = index, fields, frozenset(view.options.items()), credentials(view.headers)
        now = time.monotonic()
        known = self._good.get(question)  # at once: other threads put others in its place
        if known and now < known[0]:
            return known[1]
        some = self._missing == "skip"
        found = find_impacts(self._client, index, fields, encoder, view, some=some)
        if some and found.without and index is not None:
            without = ", ".join(sorted(found.without))
            warnings.warn(
                f"no impacts of {fields.text!r} in {without}: a splare clause finds nothing there",
                OpenSearchWarning,
                stacklevel=2,
            )
        kept = {asked: answer for asked, answer in self._good.items() if now < answer[0]}
        self._good = kept | {question: (now + TRUSTED_S, found)}
        return found

    def forget(self) -> None:
        """Ask anew: names stand for others now."""
        self._good = {}


def _refuse_remote(index: str) -> None:
    """Raise `MappingError` for a name of another cluster; a date in a name may have colons too."""
    for name in index.split(","):
        if ":" in name and not name.startswith(("<", "-<")):
            raise MappingError(
                f"index {name!r} is of another cluster, whose models cannot be looked at from "
                "here: search it through a client of its own"
            )


def credentials(headers: Headers) -> str:
    """Return what tells one user from another."""
    return next((value for name, value in headers.items() if name.lower() == "authorization"), "")
