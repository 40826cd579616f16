"""Any sentence-transformers `SparseEncoder` (SPLADE, CSR, inference-free) as an `Encoder`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from scipy.sparse import coo_array, csr_array
from sentence_transformers import SparseEncoder
from torch import Tensor

from ..encoder import Spans
from ..errors import EncoderError
from ..impacts import Impacts, empty, prune
from ..statistics import Statistics
from .card import Card, fingerprint, read_card
from .prior import read_prior

WINDOW = 512


class ForeignEncoder:
    """A `SparseEncoder` of others: its own tokenisation and window, our top-k."""

    def __init__(
        self, model: SparseEncoder, card: Card, *, prior: Statistics | None = None
    ) -> None:
        self.model, self.card, self.prior = model.eval(), card, prior

    @classmethod
    def load(
        cls, folder: Path, *, name: str = "", device: str | None = None, dtype: str | None = None
    ) -> "ForeignEncoder":
        """Return the encoder in `folder`; its module classes are sentence-transformers' own.

        It is called `name`, or else as its folder is. Long texts are cut at the model's window.
        `dtype` is that of its folder if absent.
        """
        precision = {"dtype": dtype} if dtype else {}
        model = SparseEncoder(
            str(folder), local_files_only=True, device=device, model_kwargs=precision
        )
        card = read_card(folder)
        if card is None:
            window = model.max_seq_length or WINDOW
            card = Card(name or folder.resolve().name, window, overlap=0)
            card = replace(card, fingerprint=fingerprint(folder, card))
        encoder = cls(model, card)
        encoder.prior = read_prior(folder, encoder.n_latents)
        return encoder

    @property
    def name(self) -> str:
        """The hub id it was fetched by, or the folder's name."""
        return self.card.name

    @property
    def fingerprint(self) -> str:
        """16 hex digits over the folder's weights, tokenizer and settings."""
        return self.card.fingerprint

    @property
    def n_latents(self) -> int:
        """Width of the model's vectors; for SPLADE, the size of its vocabulary."""
        width = self.model.get_embedding_dimension()
        if width is None:
            raise EncoderError(f"model {self.name!r} does not tell the width of its vectors")
        return int(width)

    @property
    def document_top_k(self) -> int:
        """Most impacts of a document."""
        return self.card.document_top_k

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent], at most `document_top_k` a text."""
        return self._encode(self.model.encode_document, texts, self.card.document_top_k)

    @property
    def query_top_k(self) -> int:
        """Most impacts of a query."""
        return self.card.query_top_k

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent], at most `query_top_k` a text."""
        return self._encode(self.model.encode_query, texts, self.card.query_top_k)

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, all of them."""
        return self._encode(self.model.encode_query, texts, self.n_latents)

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Raise `EncoderError`: these models do not tell where an impact comes from."""
        raise EncoderError(
            f"model {self.name!r} has no spans for its {len(texts)} "
            f"{'queries' if query else 'documents'}: only models with an SAE pooling have"
        )

    def _encode(self, encode: Callable[..., Tensor], texts: Sequence[str], top_k: int) -> Impacts:
        if not texts:
            return empty(0, self.n_latents)
        vectors = encode(list(texts), show_progress_bar=False).coalesce().cpu()
        values = vectors.values().float().numpy()
        rows, latents = vectors.indices().numpy()
        kept = values > 0
        shape = (len(texts), self.n_latents)
        coo = coo_array((values[kept], (rows[kept], latents[kept])), shape=shape)
        impacts: Impacts = csr_array(coo)
        return prune(impacts, top_k)
