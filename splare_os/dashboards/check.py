"""Whether dashboards would draw: objects linted, and their requests run on a cluster."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opensearchpy import OpenSearch
from opensearchpy.exceptions import TransportError

from ..reply import part
from .lint import faults
from .objects import SavedObject
from .requests import Context, Request, is_empty, plain_request, spec_of, spec_requests
from .vega_lite import LABELS


@dataclass(frozen=True)
class Finding:
    """One thing found: `is_fault`, or only something to know (a chart with nothing to draw)."""

    object: str
    told: str
    is_fault: bool = False


def check(objects: Sequence[SavedObject], client: OpenSearch | None = None) -> list[Finding]:
    """Return what is wrong with objects; with a `client`, also what their requests meet."""
    split = [fault.partition(": ") for fault in faults(objects)]
    found = [Finding(name, told, is_fault=True) for name, _, told in split]
    return found if found or client is None else list(_on_cluster(objects, client))


def _on_cluster(objects: Sequence[SavedObject], client: OpenSearch) -> Iterator[Finding]:
    patterns = {each.id: each for each in objects if each.type == "index-pattern"}
    for each in objects:
        name = f"{each.type} {each.id}"
        for request in _requests(each, patterns):
            params = {"ignore_unavailable": "true"}  # so does Dashboards
            try:
                reply = client.search(index=request.index, body=request.body, params=params)
            except TransportError as error:
                if not isinstance(error.status_code, int):  # nobody answers
                    raise
                yield Finding(name, f"the cluster refuses its request: {error}", is_fault=True)
                continue
            if broken := part(reply, "_shards").get("failures"):
                reason = broken[0].get("reason")
                yield Finding(name, f"shards refuse its request: {reason}", is_fault=True)
            elif is_empty(reply) and request.index != LABELS:
                yield Finding(name, f"nothing to draw in {request.index}")


def _requests(each: SavedObject, patterns: dict[str, SavedObject]) -> list[Request]:
    spec = spec_of(each)
    if spec is not None:
        return spec_requests(spec, Context())
    ids = [one["id"] for one in each.references if one["type"] == "index-pattern"]
    made = [plain_request(each, patterns[one], Context()) for one in ids]
    return [one for one in made if one is not None]
