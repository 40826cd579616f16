"""The systems that are compared: what people do today, and a careful version of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel

BATCH = 32
CHUNK_TOKENS = 64
TOP_K = 400


@dataclass(frozen=True)
class Files:
    """Where one model lies: full depth, its SAE as sae-lens saves it, and our folder of both."""

    full: Path
    sae: Path
    ours: Path
    n_blocks: int
    window: int


class Plain:
    """(a): full depth, all hidden states, sae-lens' encode, log1p, max; padded, in file order."""

    def __init__(self, files: Files, dtype: torch.dtype, device: str) -> None:
        from sae_lens import SAE  # memory of its own, that ours must not pay

        config = AutoConfig.from_pretrained(files.full)
        self.model = _load(files.full, config, dtype, device)
        self.sae = SAE.load_from_disk(files.sae, device=device).to(dtype)
        self.tokenizer = AutoTokenizer.from_pretrained(files.full)
        self.files, self.device = files, device
        self.special = torch.tensor(self.tokenizer("")["input_ids"], device=device)

    @torch.inference_mode()
    def impacts(self, texts: Sequence[str]) -> Tensor:
        """Return all impacts [text, latent], not cut."""
        rows = []
        for start in range(0, len(texts), BATCH):
            inputs = self.tokens(texts[start : start + BATCH]).to(self.device)
            hidden = self.model(**inputs, output_hidden_states=True).hidden_states
            activations = self.sae.encode(hidden[self.files.n_blocks]).log1p()
            rows.append(activations.mul_(_counts(inputs, self.special)[..., None]).amax(dim=1))
        return torch.cat(rows)

    def encode(self, texts: Sequence[str]) -> object:
        """Return the heaviest impacts of each text and their latents."""
        return _heaviest(self.impacts(texts))

    def tokens(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Return padded token ids and mask."""
        return self.tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self.files.window,
            return_tensors="pt",
        )

    def padded_lengths(self, texts: Sequence[str]) -> list[int]:
        """Return the length that each text is padded to."""
        lengths: list[int] = []
        for start in range(0, len(texts), BATCH):
            ids = self.tokens(texts[start : start + BATCH])["input_ids"]
            lengths += [ids.shape[1]] * len(ids)
        return lengths


class Chunked:
    """(b): only the blocks needed, texts sorted by length, pooling by chunks of tokens."""

    def __init__(self, files: Files, dtype: torch.dtype, device: str) -> None:
        from sae_lens import SAE

        config = AutoConfig.from_pretrained(files.full)
        config.num_hidden_layers = files.n_blocks
        self.model = _load(files.full, config, dtype, device)
        for norm in ("norm", "final_norm"):
            if hasattr(self.model, norm):
                setattr(self.model, norm, torch.nn.Identity())
        sae = SAE.load_from_disk(files.sae, device=device)
        self.weight, self.bias = sae.W_enc.data.T.contiguous().to(dtype), sae.b_enc.data.to(dtype)
        self.threshold = sae.threshold.data.to(dtype)
        self.tokenizer = AutoTokenizer.from_pretrained(files.full)
        self.files, self.device = files, device
        self.special = torch.tensor(self.tokenizer("")["input_ids"], device=device)

    @torch.inference_mode()
    def impacts(self, texts: Sequence[str]) -> Tensor:
        """Return all impacts [text, latent], not cut."""
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        rows: list[Tensor] = [torch.empty(0)] * len(texts)
        for start in range(0, len(texts), BATCH):
            places = order[start : start + BATCH]
            inputs = self.tokenizer(
                [texts[place] for place in places],
                padding=True,
                truncation=True,
                max_length=self.files.window,
                return_tensors="pt",
            ).to(self.device)
            states = self.model(**inputs)[0]
            counts = _counts(inputs, self.special).bool()
            for place, text_states, counted in zip(places, states, counts, strict=True):
                rows[place] = self._pooled(text_states[counted])
        return torch.stack(rows)

    def encode(self, texts: Sequence[str]) -> object:
        """Return the heaviest impacts of each text and their latents."""
        return _heaviest(self.impacts(texts))

    def _pooled(self, states: Tensor) -> Tensor:
        best = torch.zeros(len(self.bias), dtype=states.dtype, device=states.device)
        for part in states.split(CHUNK_TOKENS):
            pre = torch.nn.functional.linear(part, self.weight, self.bias)
            active = torch.where(pre > self.threshold, pre, 0).relu()
            best = torch.maximum(best, active.amax(dim=0))
        return best.log1p()


def _load(folder: Path, config: object, dtype: torch.dtype, device: str) -> PreTrainedModel:
    config.is_causal = False  # type: ignore[attr-defined]
    model: PreTrainedModel = AutoModel.from_pretrained(folder, config=config, dtype=dtype)
    return model.eval().to(device)


def _heaviest(impacts: Tensor) -> tuple[Tensor, Tensor]:
    values, latents = impacts.topk(min(TOP_K, impacts.shape[1]), dim=1)
    return values.cpu(), latents.cpu()  # a GPU is waited for, as whoever stores them must


def _counts(inputs: dict[str, Tensor], special: Tensor) -> Tensor:
    """Return [text, token], 1 where a token is neither padding nor special."""
    return inputs["attention_mask"] * ~torch.isin(inputs["input_ids"], special)
