"""`DenseEncoder`: a dense bi-encoder and an SAE over its embeddings, as an `Encoder`.

Its latents explain and steer a k-NN index that is there already: `steered` gives the vector of a
query with latents boosted, muted or added, to be searched for in that very index.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sentence_transformers import SentenceTransformer, SparseEncoder
from torch import Tensor

from ..encoder import Spans
from ..errors import EncoderError
from ..impacts import Impacts, empty, prune, stack
from ..statistics import Statistics
from ..steering import Steering
from .card import Card, Described, read_card, write_card
from .embedding_sae import EmbeddingSae
from .modules import module_types, refuse_code
from .prior import read_prior, write_prior

Vectors: TypeAlias = NDArray[np.float32]
"""Embeddings [text, state]."""

MODULE = "splare_os.encode.EmbeddingSae"
WINDOW = 512
BATCH = 1024
"""Vectors whose activations [text, latent] are in memory at once."""


class DenseEncoder(Described):
    """Texts to embeddings by `dense`, and those to impacts: the activations of latents.

    A text is what the bi-encoder makes of it: cut at its window, with its prompts. An embedding is
    of the whole text, so latents have no spans.
    """

    def __init__(
        self,
        dense: SentenceTransformer,
        sae: EmbeddingSae,
        card: Card,
        *,
        prior: Statistics | None = None,
    ) -> None:
        width = dense.get_embedding_dimension()
        if width != sae.d_in:
            raise ValueError(
                f"the SAE reads embeddings of {sae.d_in} numbers, the bi-encoder gives {width}: "
                "take the SAE that was trained on this bi-encoder's"
            )
        self.dense, self.sae, self.card, self.prior = dense.eval(), sae, card, prior

    @classmethod
    def build(cls, dense: SentenceTransformer, sae: EmbeddingSae, name: str) -> "DenseEncoder":
        """Return an encoder from its parts, not yet saved: it has no fingerprint."""
        return cls(dense, sae, Card(name, window=dense.max_seq_length or WINDOW, overlap=0))

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Return whether a model folder is of this kind."""
        return MODULE in module_types(folder)

    @classmethod
    def load(
        cls, folder: Path, *, device: str | None = None, dtype: str | None = None
    ) -> "DenseEncoder":
        """Return the encoder saved in `folder`; `dtype` is that of the bi-encoder alone."""
        card = read_card(folder)
        if card is None:
            raise EncoderError(
                f"{folder} has no splare.json: save the model with DenseEncoder.save"
            )
        refuse_code(folder)
        model = SparseEncoder(
            str(folder),
            trust_remote_code=True,  # our own module class; see load_encoder
            local_files_only=True,
            device=device,
            model_kwargs={"dtype": getattr(torch, dtype)} if dtype else {},
        )
        *modules, last = model
        sae, prompts = cast(EmbeddingSae, last), cast(dict[str, str], model.prompts)
        dense = SentenceTransformer(modules=modules, device=device, prompts=prompts)
        return cls(dense, sae, card, prior=read_prior(folder, sae.n_latents))

    def save(self, folder: Path) -> None:
        """Write a self-contained folder, with its fingerprint."""
        prompts = cast(dict[str, str], self.dense.prompts)
        whole = SparseEncoder(modules=[*self.dense, self.sae], prompts=prompts)
        whole.save_pretrained(str(folder), create_model_card=False)
        self.card = write_card(folder, self.card)
        if self.prior is not None:
            write_prior(folder, self.prior)

    @property
    def n_latents(self) -> int:
        """Number of latents of the SAE."""
        return self.sae.n_latents

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent], at most `document_top_k` a text."""
        return prune(self.impacts_of(self.embed(texts)), self.document_top_k)

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent], at most `query_top_k` a text."""
        return prune(self.encode_whole_queries(texts), self.query_top_k)

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, all of them."""
        return self.impacts_of(self.embed(texts, query=True))

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Raise `EncoderError`: an embedding is of a whole text, not of its tokens."""
        raise EncoderError(
            f"model {self.name!r} has no spans for its {len(texts)} "
            f"{'queries' if query else 'documents'}: its latents are of whole embeddings, in which "
            "tokens are pooled already"
        )

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Return the bi-encoder's own embeddings [text, state]: those of its k-NN index."""
        if not texts:
            return np.zeros((0, self.sae.d_in), dtype=np.float32)
        encode = self.dense.encode_query if query else self.dense.encode_document
        vectors: Vectors = encode(list(texts), show_progress_bar=False)
        return vectors.astype(np.float32)

    def impacts_of(self, vectors: Vectors) -> Impacts:
        """Return all impacts [text, latent] of embeddings [text, state], wherever they are from."""
        parts = [empty(0, self.n_latents)]
        for batch in self._batches(vectors):
            parts.append(_sparse(self._activations(batch)))
        return stack(parts)

    def steered(self, vectors: Vectors, steering: Steering) -> Vectors:
        """Return embeddings [text, state] with their latents steered, as long as they were.

        What the SAE does not explain of an embedding stays in it; so an embedding none of whose
        latents changes is returned as it is.
        """
        steering.check(self.n_latents)

        def steer(batch: Tensor) -> Tensor:
            before = self._activations(batch)
            after = torch.from_numpy(steering.of(_sparse(before)).toarray()).to(before.device)
            return self.sae.moved(batch, before, after)

        parts = [np.zeros((0, self.sae.d_in), dtype=np.float32)]
        parts += [steer(batch).cpu().numpy() for batch in self._batches(vectors)]
        return np.concatenate(parts)

    def _activations(self, vectors: Tensor) -> Tensor:
        with torch.inference_mode():
            return self.sae.activations(vectors)

    def _batches(self, vectors: Vectors) -> list[Tensor]:
        if vectors.ndim != 2 or vectors.shape[1] != self.sae.d_in:
            raise ValueError(
                f"vectors have shape {vectors.shape}: give [text, state] with {self.sae.d_in} "
                f"numbers each, as {self.name!r} embeds texts"
            )
        device = self.sae.decoder.device
        starts = range(0, len(vectors), BATCH)
        return [torch.from_numpy(vectors[at : at + BATCH]).to(device) for at in starts]


def _sparse(activations: Tensor) -> Impacts:
    found: Impacts = csr_array(activations.float().cpu().numpy())
    return found
