"""`SplareEncoder`: a model folder of ours, as an `Encoder`."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sentence_transformers import SparseEncoder
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ..encoders import Spans
from ..errors import EncoderError
from ..impacts import Impacts, empty, merge, prune, stack
from .backbone import Backbone
from .card import Card, read_card, write_card
from .pooling import SaePooling
from .sae import SaeEncoder
from .windows import Batch, Windows, batches, split

MAX_TOKENS = 8192
"""Padded tokens of one forward pass."""
CHUNK_TEXTS = 1024
"""Texts whose impacts are held before pruning."""


class SplareEncoder:
    """Texts to impacts by backbone, SAE, log saturation and max pooling; top-k kept.

    Texts longer than the window are encoded in overlapping windows and merged by maximum.
    """

    def __init__(self, model: SparseEncoder, card: Card) -> None:
        self.model, self.card = model.eval(), card
        self.backbone, self.pooling = cast(Backbone, model[0]), cast(SaePooling, model[1])
        self.tokenizer = cast(PreTrainedTokenizerBase, self.backbone.tokenizer)
        self._tokenizer_lock = threading.Lock()

    @classmethod
    def build(cls, backbone: Backbone, sae: SaeEncoder, card: Card) -> "SplareEncoder":
        """Return an encoder from its parts, not yet saved: it has no fingerprint."""
        width = backbone.get_embedding_dimension()
        if sae.weight.shape[1] != width:
            raise ValueError(
                f"the SAE reads states of {sae.weight.shape[1]} numbers, the backbone has {width}: "
                "take the SAE that was trained on this backbone and layer"
            )
        added = cast(PreTrainedTokenizerBase, backbone.tokenizer)("")["input_ids"]
        pooling = SaePooling.from_sae(sae, sorted(set(added)))
        return cls(SparseEncoder(modules=[backbone, pooling], device="cpu"), card)

    @classmethod
    def load(cls, folder: Path, *, device: str | None = None) -> "SplareEncoder":
        """Return the encoder saved in `folder`, in float32, on `device` or the best there is."""
        card = read_card(folder)
        if card is None:
            raise EncoderError(
                f"{folder} has no splare.json: save the model with SplareEncoder.save"
            )
        model = SparseEncoder(
            str(folder),
            trust_remote_code=True,  # our own module classes; see load_encoder
            local_files_only=True,
            model_kwargs={"dtype": torch.float32},
            device=device,
        )
        return cls(model.float(), card)

    def save(self, folder: Path) -> None:
        """Write a self-contained folder in the weights' present dtype, with its fingerprint."""
        self.model.save_pretrained(str(folder), create_model_card=False)
        self.card = write_card(folder, self.card)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.card.name

    @property
    def fingerprint(self) -> str:
        """16 hex digits over all that changes impacts; `EncoderError` for an unsaved model."""
        if not self.card.fingerprint:
            raise EncoderError(f"model {self.name!r} has no fingerprint yet: save it first")
        return self.card.fingerprint

    @property
    def n_latents(self) -> int:
        """Number of latents of the SAE."""
        return self.pooling.n_latents

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent], at most `document_top_k` a text."""
        return self._encode(self._prompted(texts, "document"), self.card.document_top_k)

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent], at most `query_top_k` a text."""
        return self._encode(self._prompted(texts, "query"), self.card.query_top_k)

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Return, for each impact of each text, the span of the token it comes from.

        Characters count from the text's start; a token of the prompt has the span (0, 0).
        """
        prompt, top_k = (
            ("query", self.card.query_top_k) if query else ("document", self.card.document_top_k)
        )
        skipped = len(self.model.prompts.get(prompt) or "")
        found: list[Spans] = []
        for text in self._prompted(texts, prompt):
            found.append(self._spans_of(text, top_k, skipped))
        return found

    def _prompted(self, texts: Sequence[str], prompt: str) -> list[str]:
        prefix = self.model.prompts.get(prompt) or ""
        return [prefix + text for text in texts]

    def _encode(self, texts: Sequence[str], top_k: int) -> Impacts:
        starts = range(0, len(texts), CHUNK_TEXTS)
        chunks = [self._encode_chunk(texts[at : at + CHUNK_TEXTS], top_k) for at in starts]
        if not chunks:
            return empty(0, self.n_latents)
        return stack(chunks)

    def _encode_chunk(self, texts: Sequence[str], top_k: int) -> Impacts:
        windows = self._split(texts)
        rows, owners = [], []
        for batch in self._batches(windows):
            rows.append(_to_impacts(self._forward(batch)["sentence_embedding"]))
            owners.append(windows.owners[batch.windows])
        merged = merge(stack(rows), np.concatenate(owners), len(texts))
        return prune(merged, top_k)

    def _spans_of(self, text: str, top_k: int, skipped: int) -> Spans:
        windows = self._split([text])
        batch_outputs = [(batch, self._forward(batch)) for batch in self._batches(windows)]
        rows = [_to_impacts(output["sentence_embedding"]) for _, output in batch_outputs]
        merged = merge(stack(rows), [0] * len(windows.ids), 1)
        latents = np.sort(prune(merged, top_k).indices)
        best = np.full(len(latents), -np.inf, dtype=np.float32)
        spans = np.zeros((len(latents), 2), dtype=np.int64)
        for batch, output in batch_outputs:
            for place, window in enumerate(batch.windows):
                value, token = self._largest(output, place, latents)
                better = value > best
                best[better] = value[better]
                spans[better] = np.array(windows.offsets[window])[token[better]]
        spans = np.maximum(spans - skipped, 0)
        return {
            int(latent): (int(start), int(end))
            for latent, (start, end) in zip(latents, spans, strict=True)
        }

    def _largest(
        self, output: dict[str, Tensor], place: int, latents: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return each latent's largest pre-activation in one window, and its token's place."""
        sae = self.pooling.sae
        kept = torch.from_numpy(latents.astype(np.int64)).to(sae.weight.device)
        states = output["token_embeddings"][place]
        weights = sae.weight[kept], sae.bias[kept]
        pre_activations = torch.nn.functional.linear(states, *weights)
        pooled = self.pooling.pooled_mask(output)[place]
        pre_activations[~pooled] = -torch.inf
        value, token = pre_activations.max(dim=0)
        return value.cpu().numpy(), token.cpu().numpy()

    def _split(self, texts: Sequence[str]) -> Windows:
        card = self.card
        with self._tokenizer_lock:  # fast tokenizers keep truncation as state, and refuse threads
            return split(self.tokenizer, texts, size=card.window, overlap=card.overlap)

    def _batches(self, windows: Windows) -> Iterator[Batch]:
        pad_id = self.tokenizer.pad_token_id
        return batches(windows, max_tokens=MAX_TOKENS, pad_id=pad_id)

    def _forward(self, batch: Batch) -> dict[str, Tensor]:
        device = self.model.device
        features = {key: value.to(device) for key, value in batch.features.items()}
        with torch.inference_mode():
            output: dict[str, Tensor] = self.model(features)
        return output


def _to_impacts(vectors: Tensor) -> Impacts:
    return csr_array(vectors.float().cpu().numpy())
