"""Where labels of latents are kept: one document a latent and model, in the index `splare-labels`.

Who explains needs to read this index, who labels to write it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any, Protocol

import orjson
from opensearchpy import NotFoundError, OpenSearch, RequestError

from ..encoder import Encoder
from ..errors import BulkError, LabelError, MappingError, ReplyError
from ..reply import NO_INDEX, documents_of, part, require_no_index, rows
from .existing import index_exists

INDEX = "splare-labels"

UNLABELLED = {NO_INDEX, "security_exception"}
"""Errors of a label that is not there for who asks."""


class Marked(Protocol):
    """What tells a model: an encoder, or a field's record."""

    @property
    def fingerprint(self) -> str:
        """The mark of the model."""


@dataclass(frozen=True, slots=True)
class Example:
    """A document that shows a latent: the text around what made it."""

    id: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Label:
    """What a latent stands for, in words.

    `label` is what people see. `words` are characteristic of the documents in which the latent is
    heaviest, `trigger_words` are those that it came from. `source` tells what the label was made
    of; `explainer` who wrote it, as one of `explanations`. `score` is the area under the ROC curve
    by which the label's words tell `held_out` texts that show the latent from those that do not;
    `baseline` that of other latents' labels. None: not measured.
    """

    latent: int
    label: str
    source: str
    words: tuple[str, ...] = ()
    trigger_words: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    explainer: str | None = None
    explanations: int = 1
    document_frequency: int | None = None
    score: float | None = None
    baseline: float | None = None
    held_out: int = 0


def labels_template() -> dict[str, Any]:
    """Return `mappings/splare-labels.json`, the body of `PUT _index_template/…`."""
    file = resources.files("splare_os") / "mappings" / "splare-labels.json"
    body: dict[str, Any] = orjson.loads(file.read_bytes())
    return body


def ensure_labels(client: OpenSearch, index: str = INDEX) -> None:
    """Create the index of labels, if there is none."""
    if index_exists(client, index):
        return
    try:
        client.indices.create(index=index, body=labels_template()["template"])
    except RequestError as error:
        if error.error != "resource_already_exists_exception":
            raise MappingError(f"index {index!r} cannot be created: {error}") from error


def keep_labels(
    client: OpenSearch, encoder: Encoder, labels: Sequence[Label], index: str = INDEX
) -> None:
    """Keep labels of latents of `encoder`'s model, in place of earlier ones of the same latents."""
    if not labels:
        return
    made_at = datetime.now(UTC).isoformat()
    owner = {"fingerprint": encoder.fingerprint, "model": encoder.name, "made_at": made_at}
    lines = [
        line
        for label in labels
        for line in ({"index": {"_id": _id(encoder, label.latent)}}, asdict(label) | owner)
    ]
    reply = client.bulk(index=index, body=lines)
    for item in rows(reply, "items"):
        told = part(item, "index")
        if "error" in told:
            raise BulkError(f"index {index!r} refuses the label {told['_id']}: {told['error']}")


def kept_labels(
    client: OpenSearch, model: Marked, latents: Iterable[int], index: str = INDEX
) -> dict[int, Label]:
    """Return what is kept of latents of a model; one without a label has no key.

    `ReplyError` where labels cannot be read.
    """
    ids = [_id(model, latent) for latent in latents]
    if not ids:
        return {}
    docs = documents_of(client.mget(index=index, body={"ids": ids}), len(ids))
    for error in (doc["error"] for doc in docs if "error" in doc):
        if part(error, "type") not in UNLABELLED:
            raise ReplyError(f"labels in {index!r} cannot be read: {error}")
    found = [parse_label(part(doc, "_source")) for doc in docs if doc.get("found")]
    return {label.latent: label for label in found}


def labelled_models(client: OpenSearch, index: str = INDEX) -> dict[str, str]:
    """Return fingerprint → name of the models whose latents have labels; there may be none."""
    kinds = {"fingerprint": "fingerprint", "model": "model"}
    sources = [{name: {"terms": {"field": field}}} for name, field in kinds.items()]
    aggs = {"models": {"composite": {"size": 1000, "sources": sources}}}
    try:
        reply = client.search(index=index, body={"size": 0, "aggs": aggs})
    except NotFoundError as error:
        require_no_index(error)
        return {}
    keys = [part(each, "key") for each in rows(reply, "aggregations", "models", "buckets")]
    return {key["fingerprint"]: key["model"] for key in keys}


def parse_label(source: Mapping[str, Any]) -> Label:
    """Return the label that a document of the index holds, whoever wrote it.

    Latent and label are enough. `LabelError` for one that lacks them.
    """
    latent, label = source.get("latent"), source.get("label")
    if not isinstance(latent, int) or not isinstance(label, str):
        raise LabelError(
            f"a document of the labels has {latent!r} as its latent and {label!r} as its label: "
            "delete it, or make it anew with `splare-os label --anew`"
        )
    kept = {name: source[name] for name in Label.__slots__ if source.get(name) is not None}
    kept |= {name: _texts(kept.get(name)) for name in ("words", "trigger_words")}
    examples = [one for one in kept.get("examples", ()) if isinstance(one, Mapping)]
    kept["examples"] = tuple(Example(one.get("id", ""), one.get("excerpt", "")) for one in examples)
    return Label(**{"source": "", **kept})


def _texts(value: object) -> tuple[str, ...]:
    """Return what a field of texts holds: a server takes one text as it takes an array of them."""
    found = value if isinstance(value, list) else [value]
    return tuple(one for one in found if isinstance(one, str))


def _id(model: Marked, latent: int) -> str:
    return f"{model.fingerprint}-{latent}"
