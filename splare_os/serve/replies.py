"""Impacts as the replies of each route: pure functions."""

from collections.abc import Sequence

import numpy as np
import orjson

from ..impacts import Impacts, to_features
from ..statistics import Statistics
from .work import Explanations, Rows

OPTIONS = orjson.OPT_SERIALIZE_NUMPY


def features(part: Rows) -> bytes:
    """Return `{"response": [{latent: impact, …}, …]}`, values as the index keeps them."""
    return response(part.features)


def response(texts: Sequence[bytes]) -> bytes:
    """Return `{"response": […]}` of what is JSON already, for each text."""
    return b'{"response":[%b]}' % b",".join(texts)


def columns(impacts: Impacts) -> bytes:
    """Return `{"lengths": […], "latents": […], "impacts": […]}`, of all texts one after another.

    Values are those of the model: the shortest decimals that are read as the same float32.
    """
    impacts.sort_indices()
    content = {
        "lengths": np.diff(impacts.indptr),
        "latents": impacts.indices,
        "impacts": impacts.data,
    }
    return orjson.dumps(content, option=OPTIONS)


def sparse_values(impacts: Impacts) -> bytes:
    """Return `[[{"index": latent, "value": impact}, …], …]`, by rising latent."""
    impacts.sort_indices()
    rows = [
        [
            {"index": latent, "value": value}
            for latent, value in zip(
                impacts.indices[start:end].tolist(), list(impacts.data[start:end]), strict=True
            )
        ]
        for start, end in zip(impacts.indptr, impacts.indptr[1:], strict=False)
    ]
    return orjson.dumps(rows, option=OPTIONS)


def explained(made: Explanations, texts: Sequence[str]) -> bytes:
    """Return for each text its impacts, heaviest first, with their spans.

    An impact without a span, of a token of the prompt, has an empty one at the start.
    """
    rows = []
    for row, (text, spans) in enumerate(zip(texts, made.spans, strict=True)):
        found = []
        for name, impact in to_features(made.impacts, row).items():
            start, end = spans.get(int(name), (0, 0))
            where = {"start": start, "end": end, "token": text[start:end]}
            found.append({"latent": int(name), "impact": impact} | where)
        rows.append(found)
    return orjson.dumps({"response": rows})


def prior(statistics: Statistics) -> bytes:
    """Return the statistics of a model's own texts."""
    content = {
        "documents": statistics.documents,
        "length": statistics.length,
        "document_frequency": statistics.document_frequency,
    }
    return orjson.dumps(content, option=OPTIONS)
