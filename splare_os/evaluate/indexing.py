"""The index a data set is evaluated in: made by the ordinary worker, kept, and used again."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from opensearchpy import OpenSearch

from ..encoders import Encoder
from ..index.job import IngestOptions
from ..index.worker import ingest
from .datasets import DataSet

log = logging.getLogger(__name__)

PREFIX = "splare-eval-"
MAX_NAME_CHARS = 80


@contextmanager
def indexed(
    client: OpenSearch, encoder: Encoder, data: DataSet, *, keep: bool = True
) -> Iterator[str]:
    """Yield the name of an index that holds the whole data set; deleted at the end if not `keep`.

    Documents that the cluster refuses are missing in it; a warning tells how many.
    """
    index = index_name(data, encoder)
    try:
        if _holds_all(client, index, data):
            log.info("reuse index=%s documents=%d", index, data.documents)
        else:
            _fill(client, encoder, data, index)
        yield index
    finally:
        if not keep:
            client.indices.delete(index=index, ignore_unavailable=True)
            log.info("deleted index=%s", index)


def index_name(data: DataSet, encoder: Encoder) -> str:
    """Return a name that is the same for the same corpus and model, and for no others."""
    key = sha256(f"{encoder.fingerprint}\n{data.fingerprint}".encode()).hexdigest()[:8]
    plain = "".join(char if char.isascii() and char.isalnum() else "-" for char in data.name)
    return f"{PREFIX}{plain.lower()[:MAX_NAME_CHARS]}-{key}"


def _holds_all(client: OpenSearch, index: str, data: DataSet) -> bool:
    if not client.indices.exists(index=index):
        return False
    client.indices.refresh(index=index)
    return bool(client.count(index=index)["count"] == data.documents)


def _fill(client: OpenSearch, encoder: Encoder, data: DataSet, index: str) -> None:
    log.info("fill index=%s documents=%d", index, data.documents)
    run = ingest(client, encoder, [str(data.corpus)], IngestOptions(index))
    for _ in run:
        pass  # the worker logs how far it is
    if dead := run.counts["dead"]:
        log.warning(
            "index=%s lacks %d of %d documents, so figures are too low; reasons in %s",
            index,
            dead,
            data.documents,
            run.dead_letters,
        )
