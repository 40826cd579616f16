"""What is put onto a cluster: bodies of requests, from JSON under `ingest_pipelines/`. Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any, Literal, TypeAlias

import orjson

from ..layout.mapping import index_body
from ..layout.pipeline import DEAD_LETTERS, native_name
from ..layout.records import FieldRecord
from ..layout.statistics import INDEX as STATISTICS

Json: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["document", "query"]
KINDS: tuple[Kind, ...] = ("document", "query")
ROUTES: Mapping[Kind, str] = {"document": "/native/documents", "query": "/native/queries"}

PATIENCE_OF_QUERIES: Json = {"read_timeout": 10, "retry_timeout_seconds": 5}
"""A search waits less long than documents: seconds for an answer, and of asking again."""

OWN_IDS = (3, 9)
"""The first version of OpenSearch whose ml-commons takes ids with what it makes."""

PRIORITY = 200
"""Of a route's index template; of several that match, the one with the highest makes an index."""

TOKEN = "$SPLARE_SERVER_BEARER_TOKEN"
"""Stands for the token wherever bodies are shown."""


@dataclass(frozen=True)
class Names:
    """What the parts of a route are called: by its index, and the impacts field there."""

    index: str
    field: str

    @property
    def name(self) -> str:
        """The name of pipelines, template and model group, and the start of those of models."""
        return native_name(self.index, self.field)

    def model_name(self, kind: Kind) -> str:
        """Return the name of a model and of its connector."""
        return f"{self.name}-{kind}"


@dataclass(frozen=True)
class Route(Names):
    """From one index to its model server: the record of its impacts field, and where to ask.

    New indices whose names match `pattern` are made for the same route; None: no others. With
    `two_phase` searches go by the heaviest latents first.
    """

    record: FieldRecord
    server: str
    pattern: str | None = None
    two_phase: bool = False

    def __post_init__(self) -> None:
        """Refuse a pattern of which indices of ours are too: they hold no texts."""
        for index in (DEAD_LETTERS, STATISTICS):
            if self.pattern is not None and fnmatchcase(index, self.pattern):
                raise ValueError(f"pattern={self.pattern!r}: {index} is of it; give a narrower one")


def connector_body(route: Route, kind: Kind, token: str | None) -> Json:
    """Return the body of `POST /_plugins/_ml/connectors/_create`.

    Its description has a digest of all the rest: what the cluster keeps of a token cannot be read.
    """
    body, name = _read("splare-native-connector"), route.model_name(kind)
    (action,) = body["actions"]
    action["url"] = route.server.rstrip("/") + ROUTES[kind]
    action["headers"]["splare-fingerprint"] = route.record.fingerprint
    index, field = (orjson.dumps(one).decode() for one in (route.index, route.record.text_field))
    action["request_body"] = (
        f'{{ "texts": ${{parameters.input}}, "index": {index}, "field": {field} }}'
    )
    if token is None:
        del action["headers"]["Authorization"]
    else:
        body["credential"]["token"] = token
    if kind == "query":
        body["client_config"] |= PATIENCE_OF_QUERIES
    body["name"] = name
    body["description"] = f"splare-os {_digest(body)}"
    return body


def model_body(route: Route, kind: Kind, connector_id: str, group_id: str) -> Json:
    """Return the body of `POST /_plugins/_ml/models/_register?deploy=true`."""
    return {
        "name": route.model_name(kind),
        "function_name": "remote",
        "description": f"splare-os: {route.record.model}, {route.record.fingerprint}",
        "model_group_id": group_id,
        "connector_id": connector_id,
    }


def group_body(route: Route) -> Json:
    """Return the body of `POST /_plugins/_ml/model_groups/_register`."""
    return {"name": route.name, "description": f"splare-os: models of the index {route.index}"}


def ingest_body(route: Route, model_id: str) -> Json:
    """Return the body of the ingest pipeline: `model_id` is that of documents."""
    body = _read("splare-native")
    texts, model, store = (next(iter(one.values())) for one in body["processors"])
    *titles, text = route.record.text_fields
    texts["params"] |= {"text_field": text, "title_field": titles[0] if titles else None}
    model["model_id"] = model_id
    store["params"] |= {"field": route.field, "digest_prefix": digest_prefix(route.record)}
    return body


def search_body(route: Route, model_id: str) -> Json:
    """Return the body of the search pipeline: `model_id` is that of queries."""
    body = _read("splare-native-search")
    model, two_phase = body["request_processors"]
    model["neural_query_enricher"]["default_model_id"] = model_id
    body["request_processors"] = [model, two_phase] if route.two_phase else [model]
    return body


def template_body(route: Route) -> Json:
    """Return the body of `PUT /_index_template/…`, for new indices of the route's pattern.

    They are as `splare-os index` makes them, with the route's record. The description has a digest
    of all the rest: the cluster keeps settings in another form than it was given.
    """
    fields = replace(route.record.document_fields, impacts=route.field)
    made: Json = index_body(fields, route.record)
    made["settings"] = {"index": made["settings"]["index"] | index_settings(route)}
    body: Json = {"index_patterns": [route.pattern], "priority": PRIORITY, "template": made}
    return body | {"_meta": {"description": f"splare-os {_digest(body)}"}}


def own_id(thing: str, name: str, version: tuple[int, ...]) -> Json:
    """Return what of a body names its id, where the cluster's version takes one; else nothing.

    `thing`: `model`, `model_group` or `connector`.

    >>> own_id("model", "splare-facts", (3, 9, 0)), own_id("model", "splare-facts", (3, 8, 0))
    ({'model_id': 'splare-facts'}, {})
    """
    is_plain = re.fullmatch(r"[A-Za-z0-9_-]+", name) is not None
    return {f"{thing}_id": name} if version >= OWN_IDS and is_plain else {}


def digest_prefix(record: FieldRecord) -> str:
    """Return what stands before a text whose digest is taken, as in `layout.field.digest`."""
    made = [record.fingerprint, record.cut.mark]
    if record.saturation is not None:
        made.append(" ".join(map(repr, astuple(record.saturation))))
    return "\n".join(made) + "\n"


def index_settings(names: Names) -> Json:
    """Return the settings that send what comes to an index, by either pipeline."""
    return {"default_pipeline": names.name, "search.default_pipeline": names.name}


def _digest(body: Json) -> str:
    """Return 16 hex digits of a body; slow to take, so that no token is guessed from it."""
    packed = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    made = hashlib.scrypt(packed, salt=b"splare-os connect", n=2**14, r=8, p=1, dklen=8)
    return made.hex()


def _read(name: str) -> Json:
    file = resources.files("splare_os") / "ingest_pipelines" / f"{name}.json"
    body: Json = orjson.loads(file.read_bytes())
    return body
