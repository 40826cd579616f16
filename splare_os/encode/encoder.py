"""`SplareEncoder`: a model folder of ours, as an `Encoder`."""

import threading
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.util import get_device_name
from torch import Tensor
from transformers import AutoConfig, PreTrainedTokenizerBase

from ..encoder import Spans
from ..forks import remake_in_children
from ..impacts import Impacts, empty, stack
from ..paths import StrPath
from ..statistics import Statistics
from .backbone.backbone import Backbone, load_backbone
from .backbone.precision import best_dtype
from .blocked import block_linears
from .card import Card, Described, require_card, write_card
from .modules import refuse_code
from .packing import Pack, packs
from .pooling.pooling import SaePooling
from .pooling.rule import MAX_LOG1P, PoolingRule
from .pooling.segment_max import lay_out
from .pooling.spans import some_spans_of, spans_of
from .pooling.text_impacts import TextImpacts
from .pooling.window_impacts import PooledTokens, pooled_activations, pooled_tokens
from .prior import read_prior, write_prior
from .sae.files import read_sae
from .sae.releases import read_release
from .sae.sae import SaeEncoder
from .sae.vocabulary import Transform, read_vocabulary_head
from .unknown import warn_of_unreadable
from .windows import Windows, split

MAX_TOKENS = {"cpu": 2048, "cuda": 32_768}
"""Tokens of one forward pass: on a CPU their states stay in the cache."""
CHUNK_TEXTS = 1024
"""Texts that are tokenised together, and sorted by length."""


class SplareEncoder(Described):
    """Texts to impacts by backbone, SAE, pooling over tokens and saturation; top-k kept.

    Texts longer than the window are encoded in overlapping windows, and pooled over these too: what
    two of them share counts once in a sum.
    """

    def __init__(
        self, model: SparseEncoder, card: Card, *, prior: Statistics | None = None
    ) -> None:
        self.model, self.card, self.prior = model.eval(), card, prior
        self.backbone, self.pooling = cast(Backbone, model[0]), cast(SaePooling, model[1])
        self.backbone.card = card
        self.tokenizer = cast(PreTrainedTokenizerBase, self.backbone.tokenizer)
        self.in_child()
        remake_in_children(self)

    def in_child(self) -> None:
        """Forget who used the tokenizer when the process was forked."""
        self._tokenizer_lock = threading.Lock()

    @classmethod
    def build(
        cls,
        backbone: Backbone,
        sae: SaeEncoder,
        card: Card,
        *,
        head: Transform | None = None,
        rule: PoolingRule = MAX_LOG1P,
    ) -> "SplareEncoder":
        """Return an encoder from its parts, not yet saved: it has no fingerprint."""
        width = backbone.get_embedding_dimension()
        if sae.weight.shape[1] != width:
            raise ValueError(
                f"the SAE reads states of {sae.weight.shape[1]} numbers, the backbone has {width}: "
                "take the SAE that was trained on this backbone and layer"
            )
        added = cast(PreTrainedTokenizerBase, backbone.tokenizer)("")["input_ids"]
        pooling = SaePooling.from_sae(sae, sorted(set(added)), head=head, rule=rule)
        return cls(SparseEncoder(modules=[backbone, pooling], device="cpu"), card)

    @classmethod
    def from_sae(
        cls,
        release: StrPath,
        sae_id: str | None = None,
        *,
        backbone: str = "",
        n_blocks: int = 0,
        window: int = 512,
    ) -> "SplareEncoder":
        """Return an encoder over a published SAE and the backbone it was trained on; not saved.

        `release` and `sae_id` are names in the registry of sae-lens; `release` alone is a folder
        or file. `backbone` (hub id or folder) and `n_blocks` are for files that don't tell.
        Weights keep the precision they were published in.
        """
        if sae_id is None:
            published = read_sae(Path(release))
        else:
            published = read_release(str(release), sae_id)
        if n_blocks and published.n_blocks not in (0, n_blocks):
            raise ValueError(
                f"n_blocks={n_blocks}: {release} was trained on the states after block "
                f"{published.n_blocks}; leave n_blocks out"
            )
        backbone, n_blocks = backbone or published.backbone, n_blocks or published.n_blocks
        if not backbone or not n_blocks:
            raise ValueError(
                f"{release} does not tell which model it was trained on, and after how many "
                "blocks: give backbone (a hub id or folder) and n_blocks"
            )
        base = load_backbone(backbone, n_blocks=n_blocks, window=window, dtype=None)
        card = Card(published.name, window=window, overlap=min(32, window // 8))
        return cls.build(base, published.sae, card)

    @classmethod
    def from_vocabulary(cls, name: str, *, n_blocks: int = 0, window: int = 256) -> "SplareEncoder":
        """Return a SPLADE encoder over a masked-language model with its head; not saved.

        `name` is a folder or hub id. All its blocks are kept, or the first `n_blocks`.
        """
        head, words = read_vocabulary_head(name)
        blocks = n_blocks or AutoConfig.from_pretrained(name).num_hidden_layers
        backbone = load_backbone(name, n_blocks=blocks, window=window)
        card = Card("splade", window=window, overlap=min(32, window // 8))
        return cls.build(backbone, words, card, head=head)

    @classmethod
    def load(
        cls, folder: StrPath, *, device: str | None = None, dtype: str | None = None
    ) -> "SplareEncoder":
        """Return the encoder saved in `folder`, on `device` or the best there is.

        `dtype` is `float32`, `bfloat16` or `float16`; by default what the device is fastest in.
        """
        folder = Path(folder)
        card = require_card(folder)
        refuse_code(folder)
        device = device or get_device_name()
        computed = getattr(torch, dtype) if dtype else best_dtype(device)
        model = SparseEncoder(
            str(folder),
            trust_remote_code=True,  # our own module classes; see load_encoder
            local_files_only=True,
            model_kwargs={"dtype": computed},
            device=device,
        )
        pooling = cast(SaePooling, model[1])
        pooling.sae.convert(computed)
        return cls(model, card, prior=read_prior(folder, pooling.n_latents))

    def freeze(self) -> None:
        """Lay weights out as the processor multiplies them fastest; they can't be trained then."""
        block_linears(self.model)
        lay_out(self.pooling.sae)

    def save(self, folder: StrPath) -> None:
        """Write a self-contained folder in the weights' present dtype, with its fingerprint.

        A LoRA adapter that was kept is merged first.
        """
        if merge := getattr(self.backbone.model, "merge_and_unload", None):  # a PEFT model's
            self.backbone.model = merge()
        if fast := getattr(self.tokenizer, "backend_tokenizer", None):
            fast.no_truncation()  # what the last call asked for would be saved too
            fast.no_padding()
        self.model.save_pretrained(str(folder), create_model_card=False)
        self.card = write_card(Path(folder), self.card)
        if self.prior is not None:
            write_prior(Path(folder), self.prior)

    @property
    def n_latents(self) -> int:
        """Number of latents of the SAE."""
        return self.pooling.n_latents

    @property
    def pass_tokens(self) -> int:
        """Tokens of one forward pass, where the model is now."""
        return MAX_TOKENS.get(self.backbone.model.device.type, MAX_TOKENS["cuda"])

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent], at most `document_top_k` a text."""
        return self._encode(self._prompted(texts, "document"), self.card.document_top_k)

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent], at most `query_top_k` a text."""
        return self._encode(self._prompted(texts, "query"), self.card.query_top_k)

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, all of them."""
        return self._encode(self._prompted(texts, "query"), self.n_latents)

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Return, for each impact of each text, the span of the token it comes from.

        Of a query also for impacts that `encode_queries` leaves out.

        Characters count from the text's start; a token of the prompt has the span (0, 0).
        """
        prompt, top_k = (
            ("query", self.n_latents) if query else ("document", self.card.document_top_k)
        )
        skipped = len(self.model.prompts.get(prompt) or "")
        found: list[Spans] = []
        for windows in self._chunks(self._prompted(texts, prompt), with_offsets=True):
            passes = self._passes(windows)
            found.extend(spans_of(windows, passes, self.pooling, top_k=top_k, skipped=skipped))
        return found

    def some_spans(self, texts: Sequence[str], latents: Sequence[Collection[int]]) -> list[Spans]:
        """Return what `spans` does for documents, of these latents of each text, if it has them.

        It costs the backbone's work; of the SAE's only that of those latents.
        """
        skipped = len(self.model.prompts.get("document") or "")
        found: list[Spans] = []
        for windows in self._chunks(self._prompted(texts, "document"), with_offsets=True):
            wanted = latents[len(found) : len(found) + windows.n_texts]
            passes = self._states(windows)
            found.extend(some_spans_of(windows, passes, self.pooling, wanted, skipped=skipped))
        return found

    def token_counts(self, texts: Sequence[str], *, query: bool = False) -> list[int]:
        """Return the number of tokens of every window that `texts` are encoded in."""
        chunks = self._chunks(self._prompted(texts, "query" if query else "document"))
        return [len(ids) for windows in chunks for ids in windows.ids]

    def _prompted(self, texts: Sequence[str], prompt: str) -> list[str]:
        prefix = self.model.prompts.get(prompt) or ""
        return [prefix + text for text in texts]

    def _encode(self, texts: Sequence[str], top_k: int) -> Impacts:
        chunks = [self._impacts_of(windows, top_k) for windows in self._chunks(texts)]
        return stack(chunks) if chunks else empty(0, self.n_latents)

    def _impacts_of(self, windows: Windows, top_k: int) -> Impacts:
        found = TextImpacts(self.pooling.rule, self.n_latents, top_k)
        for pack, _, activations in self._passes(windows):
            found.add(activations, windows.owners[pack.windows])
        return found.impacts(windows.n_texts)

    def _chunks(self, texts: Sequence[str], *, with_offsets: bool = False) -> Iterator[Windows]:
        """Yield the windows of `CHUNK_TEXTS` texts at a time; the next are read meanwhile."""
        parts = [texts[at : at + CHUNK_TEXTS] for at in range(0, len(texts), CHUNK_TEXTS)]
        if len(parts) == 1:
            yield self._split(parts[0], with_offsets)
            return
        with ThreadPoolExecutor(max_workers=1) as reader:
            pending = [reader.submit(self._split, part, with_offsets) for part in parts[:1]]
            for part in parts[1:]:
                pending.append(reader.submit(self._split, part, with_offsets))
                yield pending.pop(0).result()
            for last in pending:
                yield last.result()

    def _split(self, texts: Sequence[str], with_offsets: bool) -> Windows:  # noqa: FBT001
        card = self.card
        with self._tokenizer_lock:  # fast tokenizers keep truncation as state, and refuse threads
            windows = split(
                self.tokenizer,
                texts,
                size=card.window,
                overlap=card.overlap,
                with_offsets=with_offsets,
            )
        warn_of_unreadable(windows, self.tokenizer, card.name)
        return windows

    def _passes(self, windows: Windows) -> Iterator[tuple[Pack, PooledTokens, Tensor]]:
        """Yield what is pooled of every pack, one pass behind: a GPU never waits for it."""
        pending = None
        for pack, tokens in self._states(windows):
            with torch.inference_mode():
                activations = pooled_activations(tokens, self.pooling)
            if pending:
                yield pending
            pending = pack, tokens, activations
        if pending:
            yield pending

    def _states(self, windows: Windows) -> Iterator[tuple[Pack, PooledTokens]]:
        """Yield the states of all tokens that are pooled, a pack at a time."""
        own_places = windows.own_places()
        for pack in packs(windows, max_tokens=self.pass_tokens):
            with torch.inference_mode():
                tokens = pooled_tokens(self.backbone, self.pooling, pack, own_places)
            yield pack, tokens
