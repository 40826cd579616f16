"""The model behind the routes: warm before it is ready, and asked through its batcher."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias, runtime_checkable

from .. import __version__
from ..documents.document import is_unicode
from ..encoder import Closable, Encoder, GivesWholeQueries, own_prior, own_top_k
from ..errors import EncoderError, EncoderLostError
from ..statistics import Statistics
from .asking import Asking
from .batcher import Batcher
from .fields import Fields
from .limits import Limits
from .metrics import Registry
from .queue import Kind, QueueFullError
from .refusal import Refusal, later, overloaded, too_large
from .work import ModelFailedError, Part, UnreadableTextError

logger = logging.getLogger(__name__)

Load: TypeAlias = Callable[[], Encoder]
"""Returns the model; takes its time."""

WARM_UP = ("oil", "the oil crisis of 1973 and what it did to prices. " * 40)
"""What is encoded before the server is ready: the first passes of a model are slow."""


@runtime_checkable
class WorksSideBySide(Protocol):
    """What an encoder may do besides: work on several calls at a time."""

    def side_by_side(self) -> int:
        """Return how many, and make ready for them."""


@dataclass(frozen=True)
class Served:
    """A model that is warm, and the batcher that asks it."""

    encoder: Encoder
    batcher: Batcher


class Service:
    """A model and its queue; `failure` is why it could not be loaded, or serves no more.

    `on_ready` is called once the model is warm. `fields` are those of the cluster that it serves
    natively; None: no cluster.
    """

    def __init__(
        self,
        load: Load,
        limits: Limits,
        *,
        fields: Fields | None = None,
        on_ready: Callable[["Service"], None] = lambda _: None,
    ) -> None:
        self.limits, self.registry, self.fields = limits, Registry(), fields
        self._load, self._on_ready = load, on_ready
        self._served: Served | None = None
        self.failure: Exception | None = None

    @property
    def is_ready(self) -> bool:
        """Whether texts are encoded."""
        return self._served is not None

    @property
    def served(self) -> Served:
        """The model; `Refusal` while it is loaded."""
        if self._served is None:
            raise later(503, "Unhealthy", "the model is being loaded")
        return self._served

    @property
    def encoder(self) -> Encoder:
        """The model; `Refusal` while it is loaded."""
        return self.served.encoder

    async def run(self) -> None:
        """Load the model, warm it, and encode until cancelled; a failure is kept."""
        try:
            encoder = await Asking()(partial(_warm, self._load))  # the end does not wait for it
            await self._serve(encoder)
        except Exception as error:  # noqa: BLE001  # told by whoever runs the server
            self.failure = error

    async def _serve(self, encoder: Encoder) -> None:
        labels = {"model": encoder.name, "fingerprint": encoder.fingerprint}
        self.registry.gauge("splare_model_info", "What is served.", lambda: 1.0, labels)
        at_a_time = encoder.side_by_side() if isinstance(encoder, WorksSideBySide) else 1
        batcher = Batcher([encoder] * at_a_time, self.limits, self.registry)
        self._served = Served(encoder, batcher)
        logger.info("ready model=%s fingerprint=%s", encoder.name, encoder.fingerprint)
        try:
            self._on_ready(self)
            await batcher.run()
        finally:
            if isinstance(encoder, Closable):
                encoder.close()

    async def encode(self, kind: Kind, texts: Sequence[str]) -> Part:
        """Return what the model makes of texts; `Refusal` if it does not."""
        self._check(texts)
        served = self.served
        try:
            return await served.batcher.encode(kind, texts)
        except QueueFullError as error:
            raise overloaded("the queue is full", served.batcher.retry_after_s()) from error
        except UnreadableTextError as error:
            raise Refusal(422, "Tokenizer", str(error)) from error
        except EncoderLostError as error:
            raise later(503, "Unhealthy", str(error)) from error
        except EncoderError as error:
            raise Refusal(424, "Backend", str(error)) from error
        except ModelFailedError as error:
            reason = f"model {served.encoder.name!r} failed: {error}"
            raise Refusal(500, "Backend", reason) from error

    def _check(self, texts: Sequence[str]) -> None:
        limits = self.limits
        if len(texts) > limits.max_texts:
            raise Refusal(413, "Validation", f"{len(texts)} texts: at most {limits.max_texts}")
        longest = max(map(len, texts), default=0)
        if longest > limits.max_characters:
            at = next(at for at, text in enumerate(texts) if len(text) == longest)
            raise too_large(f"text {at} has {longest} characters: at most {limits.max_characters}")
        for at, text in enumerate(texts):
            if not (text.isascii() or is_unicode(text)):
                reason = f"text {at} is no Unicode: half of a surrogate pair stands alone"
                raise Refusal(422, "Tokenizer", reason)

    def require(self, fingerprint: str | None) -> None:
        """Raise `Refusal` unless the model is the one that is asked for; None: any."""
        own = self.encoder.fingerprint
        if fingerprint not in {None, own}:
            raise Refusal(
                409,
                "Model",
                f"model {fingerprint[:40]!r} is asked for, and {self.encoder.name!r} of "
                f"fingerprint {own} is served: ask a server of that model, or index anew",
            )

    def prior(self) -> Statistics:
        """Return the statistics that come with the model; `Refusal` if there are none."""
        if (found := own_prior(self.encoder)) is None:
            raise Refusal(404, "Model", f"model {self.encoder.name!r} has no prior")
        return found

    def info(self) -> dict[str, object]:
        """Return what `messages.Info` describes."""
        encoder, limits = self.encoder, self.limits
        query_top_k = encoder.query_top_k if isinstance(encoder, GivesWholeQueries) else None
        return {
            "model_id": encoder.name,
            "fingerprint": encoder.fingerprint,
            "n_latents": encoder.n_latents,
            "document_top_k": own_top_k(encoder),
            "query_top_k": query_top_k,
            "has_prior": own_prior(encoder) is not None,
            "max_client_batch_size": limits.max_texts,
            "max_body_bytes": limits.max_body_bytes,
            "max_characters": limits.max_characters,
            "max_concurrent_requests": limits.max_requests,
            "max_batch_tokens": self.served.batcher.max_batch_tokens,
            "version": __version__,
        }


def _warm(load: Load) -> Encoder:
    """Return the model once it has encoded."""
    encoder = load()
    encoder.encode_documents(WARM_UP)
    encoder.encode_queries(WARM_UP[:1])
    return encoder
