"""What is put onto a cluster: bodies of requests, from JSON under `ingest_pipelines/`. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from importlib import resources
from typing import Any, Literal, TypeAlias

import orjson

from ..layout.records import FieldRecord

Json: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["document", "query"]
KINDS: tuple[Kind, ...] = ("document", "query")
ROUTES: Mapping[Kind, str] = {"document": "/native/documents", "query": "/native/queries"}

TOKEN = "$SPLARE_SERVER_BEARER_TOKEN"
"""Stands for the token wherever bodies are shown."""


@dataclass(frozen=True)
class Route:
    """From one index to its model server: the record of its impacts field, and where to ask."""

    index: str
    field: str
    record: FieldRecord
    server: str

    @property
    def name(self) -> str:
        """The name of both pipelines and the model group, and the start of those of models."""
        return f"splare-{self.index}-{self.field}"

    def model_name(self, kind: Kind) -> str:
        """Return the name of a model and of its connector."""
        return f"{self.name}-{kind}"


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


def search_body(model_id: str) -> Json:
    """Return the body of the search pipeline: `model_id` is that of queries."""
    body = _read("splare-native-search")
    body["request_processors"][0]["neural_query_enricher"]["default_model_id"] = model_id
    return body


def digest_prefix(record: FieldRecord) -> str:
    """Return what stands before a text whose digest is taken, as in `layout.field.digest`."""
    made = [record.fingerprint, str(record.top_k)]
    if record.saturation is not None:
        made.append(" ".join(map(repr, astuple(record.saturation))))
    return "\n".join(made) + "\n"


def index_settings(route: Route) -> Json:
    """Return the settings that send what comes to an index, by either pipeline."""
    return {"default_pipeline": route.name, "search.default_pipeline": route.name}


def _digest(body: Json) -> str:
    """Return 16 hex digits of a body; slow to take, so that no token is guessed from it."""
    packed = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    made = hashlib.scrypt(packed, salt=b"splare-os connect", n=2**14, r=8, p=1, dklen=8)
    return made.hex()


def _read(name: str) -> Json:
    file = resources.files("splare_os") / "ingest_pipelines" / f"{name}.json"
    body: Json = orjson.loads(file.read_bytes())
    return body
