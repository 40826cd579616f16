"""The indices a data set is evaluated in: one for BM25, one for each model; kept, used again."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any

from opensearchpy import OpenSearch
from opensearchpy.helpers import streaming_bulk

from ..documents.fields import Fields
from ..encoder import Encoder, own_top_k
from ..index.ingest import ingest
from ..index.job import IngestOptions
from ..layout import TOP_K
from ..layout.mapping import properties, template
from ..layout.saturating import default_saturation
from ..scoring import Scoring
from .datasets import DataSet, read_corpus
from .encoded import made_by
from .languages import ENGLISH
from .store import digest

log = logging.getLogger(__name__)

PREFIX = "splare-eval-"
MAX_NAME_CHARS = 80
MERGE_TIMEOUT_S = 3600.0
MAX_RETRIES = 8
"""Times that a document is sent again while the cluster has no room for it."""


@contextmanager
def indexed(
    client: OpenSearch,
    encoder: Encoder,
    data: DataSet,
    *,
    top_k: int = TOP_K,
    scoring: Scoring = "calibrated",
    keep: bool = True,
) -> Iterator[str]:
    """Yield the name of an index that holds the whole data set; deleted at the end if not `keep`.

    The ordinary worker fills it, with the `top_k` heaviest impacts of a document, for `scoring`.
    Documents that the cluster refuses are missing in it; a warning tells how many. Fields besides
    title and text are kept, but not searched: they may be of any type.
    """
    saturation = default_saturation(encoder, scoring)
    stored = () if saturation is None else astuple(saturation)
    index = index_name(data, *made_by(encoder), str(top_k), *map(str, stored))

    def fill() -> None:
        if not client.indices.exists(index=index):
            client.indices.create(index=index, body=_body(properties(Fields())))
        kept = min(top_k, own_top_k(encoder) or top_k)  # a model that gives fewer is no mistake
        options = IngestOptions(index, top_k=kept, scoring=scoring)
        run = ingest(client, encoder, [str(data.corpus)], options)
        for _ in run:
            pass  # the worker logs how far it is
        if dead := run.counts["dead"]:
            _warn(index, data, dead, f"reasons in {run.dead_letters}")

    with _filled(client, data, index, fill, keep=keep):
        yield index


@contextmanager
def indexed_texts(client: OpenSearch, data: DataSet, *, keep: bool = True) -> Iterator[str]:
    """Yield the name of an index that holds the data set's documents, and no impacts.

    Its texts are analysed for the data set's language.
    """
    index = index_name(data, "bm25", texts_key(data.analyzer))

    def fill() -> None:
        client.indices.delete(index=index, ignore_unavailable=True)  # what an interruption left
        client.indices.create(index=index, body=_texts_body(data.analyzer))
        sent = streaming_bulk(
            client, _texts(data, index), raise_on_error=False, max_retries=MAX_RETRIES
        )
        if refused := [item for done, item in sent if not done]:
            _warn(index, data, len(refused), f"the first: {refused[0]}")

    with _filled(client, data, index, fill, keep=keep):
        yield index


def texts_key(analyzer: str = ENGLISH) -> str:
    """Return what BM25 depends on besides the texts: fields and analyzer."""
    return digest(json.dumps(_texts_body(analyzer), sort_keys=True))


def index_name(data: DataSet, *made_by: str) -> str:
    """Return a name that is the same for the same corpus and model, and for no others."""
    key = digest(*made_by, data.fingerprint)[:8]
    plain = "".join(char if char.isascii() and char.isalnum() else "-" for char in data.name)
    return f"{PREFIX}{plain.lower()[:MAX_NAME_CHARS]}-{key}"


def index_bytes(client: OpenSearch, index: str) -> int:
    """Return the primaries' store size of an index, texts and `_source` included."""
    found = client.indices.stats(index=index, metric="store")
    return int(found["_all"]["primaries"]["store"]["size_in_bytes"])


@contextmanager
def _filled(
    client: OpenSearch, data: DataSet, index: str, fill: Callable[[], None], *, keep: bool
) -> Iterator[None]:
    """Fill the index unless it holds all, and merge it into one segment: sizes then compare."""
    try:
        if _holds_all(client, index, data):
            log.info("reuse index=%s documents=%d", index, data.documents)
        else:
            log.info("fill index=%s documents=%d", index, data.documents)
            fill()
        params = {"max_num_segments": 1, "request_timeout": MERGE_TIMEOUT_S}
        client.indices.forcemerge(index=index, params=params)
        client.indices.refresh(index=index)
        yield
    finally:
        if not keep:
            client.indices.delete(index=index, ignore_unavailable=True)
            log.info("deleted index=%s", index)


def count(client: OpenSearch, index: str) -> int:
    """Return the number of documents that an index holds."""
    return int(client.count(index=index)["count"])


def _holds_all(client: OpenSearch, index: str, data: DataSet) -> bool:
    if not client.indices.exists(index=index):
        return False
    client.indices.refresh(index=index)
    return count(client, index) == data.documents


def _texts_body(analyzer: str) -> dict[str, Any]:
    fields: dict[str, Any] = dict(properties(Fields()))
    del fields[Fields().impacts_name]
    return _body({name: field | {"analyzer": analyzer} for name, field in fields.items()})


def _body(fields: Mapping[str, Any]) -> dict[str, Any]:
    inner: Any = template()["template"]
    return {
        "settings": inner["settings"],
        "mappings": {"dynamic": False, "properties": fields},
    }


def _texts(data: DataSet, index: str) -> Iterator[dict[str, Any]]:
    for document in read_corpus(data.corpus):
        yield {"_index": index, "_id": document.id, "_source": document.body}


def _warn(index: str, data: DataSet, n_refused: int, reason: str) -> None:
    log.warning(
        "index=%s lacks %d of %d documents, so figures are too low; %s",
        index,
        n_refused,
        data.documents,
        reason,
    )
