"""What OpenSearch itself asks for: impacts as a field stores them, weights as its index weighs.

The record of the field and the statistics of its index are read from the cluster, as our worker and
client read them, so that either route writes and ranks the same.
"""

import asyncio
from functools import partial

import orjson
from fastapi import FastAPI
from fastapi.responses import Response

from ..encoder import GivesWholeQueries
from ..impacts import Impacts, to_features
from ..layout.field import FieldImpacts
from ..layout.field_json import features_json
from ..layout.records import FieldRecord
from ..search.weigh.queries import Queries
from . import messages
from .asking import Asking
from .fields import Fields
from .refusal import Refusal
from .replies import response
from .routes import MISSING, PROBLEMS, Fingerprint
from .service import Service

LENGTH = b"length"
"""The key of a text's length among its impacts: ml-commons passes numbers by name, and no more."""


def stored(impacts: Impacts, record: FieldRecord) -> bytes:
    """Return `{"response": [{latent: impact, …, "length": …}, …]}` as the worker stores them.

    A text without impacts has an empty object.
    """
    made = FieldImpacts.of(record.cut.of(impacts), record.saturation)
    lengths = orjson.dumps(made.lengths, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
    texts = zip(features_json(made.impacts), lengths, strict=False)  # no texts: one empty length
    return response(
        [text if text == b"{}" else b'%b,"%b":%b}' % (text[:-1], LENGTH, n) for text, n in texts]
    )


def add_native(app: FastAPI, service: Service) -> None:
    """Add the routes that connectors ask which `splare-os connect` makes."""
    asking = Asking()

    def fields() -> Fields:
        if service.fields is None:
            reason = "no cluster is known: start `splare-os serve` with --url, or SPLARE_URL"
            raise Refusal(404, "Cluster", reason)
        return service.fields

    @app.post("/native/documents", response_model=messages.Features, responses=PROBLEMS | MISSING)
    async def native_documents(body: messages.Native, fingerprint: Fingerprint = None) -> Response:
        """Impacts of documents as the field of an index stores them, each with its length."""
        service.require(fingerprint)
        record = await asking(partial(fields().record, body.index, body.field, service.encoder))
        part = await service.encode("document", body.texts)
        content = await asyncio.to_thread(stored, part.impacts, record)
        return Response(content, media_type="application/json")

    @app.post("/native/queries", response_model=messages.Features, responses=PROBLEMS | MISSING)
    async def native_queries(body: messages.Native, fingerprint: Fingerprint = None) -> Response:
        """Weights of queries in an index, as our client gives them to it."""
        service.require(fingerprint)
        encoder = service.encoder
        weigh = await asking(partial(fields().weighing, body.index, body.field, encoder))
        impacts = (await service.encode("whole_query", body.texts)).impacts
        top_k = encoder.query_top_k if isinstance(encoder, GivesWholeQueries) else None
        weights = weigh.weights(Queries(impacts, top_k))
        rows = [to_features(weights, row) for row in range(weights.shape[0])]
        return Response(orjson.dumps({"response": rows}), media_type="application/json")
