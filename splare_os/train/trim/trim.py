"""A model folder with some of its token embeddings, from one with all of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModel, PretrainedConfig, PreTrainedModel

from ...documents.fields import Fields
from ...encode.backbone.backbone import read_config, told_of
from ...encode.backbone.quantized_embedding import EMBEDDING
from ...errors import TrainingError
from ...paths import StrPath
from ..texts import Reject, draw_texts
from ..work_folder import beside
from .pieces import choose_pieces
from .tokenizer import cut_tokenizer, read_pieces, special_ids

TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "*.bin")
BATCH = 1024
TOKEN_IDS = ("pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")
"""Keys of a configuration that are rows of the embedding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimJob:
    """A folder `out` to be made of the model folder `backbone`, with `n_rows` token embeddings.

    Pieces are counted in at most `max_chars` characters of each file.
    """

    backbone: StrPath
    out: StrPath
    n_rows: int = 65_000
    fields: Fields = field(default_factory=Fields)
    max_chars: int = 100_000_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        if self.n_rows < 1:
            raise ValueError(f"n_rows={self.n_rows}: give a number above 0")
        if Path(self.out).exists():
            raise ValueError(f"{self.out} exists: give a new folder (--out)")
        if not (Path(self.backbone) / TOKENIZER).is_file():
            raise ValueError(f"{self.backbone} has no {TOKENIZER}: give a model folder")
        if (Path(self.backbone) / EMBEDDING).is_file():
            raise ValueError(
                f"{self.backbone} keeps its token embedding rounded ({EMBEDDING}): give the "
                "model that it was made of"
            )


@dataclass(frozen=True, slots=True)
class TrimReport:
    """What was made of `n_pieces` pieces, and what it does to the texts that were read.

    `seen` pieces were seen, `seen_kept` of them are kept; `tokens_kept` is the share of the texts'
    tokens that they are. `n_checked` texts were cut by both tokenizers into the same pieces.
    """

    out: str
    n_pieces: int
    rows: int
    seen: int
    seen_kept: int
    tokens_kept: float
    n_texts: int
    n_checked: int


def trim_backbone(
    sources: Sequence[str], job: TrimJob, *, reject: Reject = lambda _: None
) -> TrimReport:
    """Write the folder of `job`, by the texts of `sources`, and return what it is.

    The folder appears when it is whole. `TrainingError` for a tokenizer that cannot be cut.
    """
    config, tokenizer = read_config(str(job.backbone)), Path(job.backbone) / TOKENIZER
    content: dict[str, Any] = json.loads(
        (Path(job.backbone) / TOKENIZER).read_text(encoding="utf-8")
    )
    pieces = read_pieces(content)
    texts = draw_texts(sources, job.fields, max_chars=job.max_chars, seed=job.seed, reject=reject)
    counts = count_pieces(Tokenizer.from_file(str(tokenizer)), texts, len(pieces))
    needed = {*special_ids(content), *_ids(config, len(pieces)).values()}
    kept = choose_pieces(pieces, counts, needed=sorted(needed), n_rows=job.n_rows)
    cut = cut_tokenizer(content, kept)
    n_checked = check_equal(Tokenizer.from_str(json.dumps(content)), cut, kept, texts)
    part = beside(job.out, ".part")
    shutil.rmtree(part, ignore_errors=True)
    _write(Path(job.backbone), part, cut, kept)
    part.rename(job.out)
    return TrimReport(
        out=str(job.out),
        n_pieces=len(pieces),
        rows=len(kept),
        seen=int((counts > 0).sum()),
        seen_kept=int((counts[kept] > 0).sum()),
        tokens_kept=round(float(counts[kept].sum() / max(1, counts.sum())), 5),
        n_texts=len(texts),
        n_checked=n_checked,
    )


def count_pieces(tokenizer: Tokenizer, texts: Sequence[str], n_pieces: int) -> NDArray[np.int64]:
    """Return how often each piece is in `texts`."""
    counts = np.zeros(n_pieces, dtype=np.int64)
    for start in range(0, len(texts), BATCH):
        part = list(texts[start : start + BATCH])
        for encoding in tokenizer.encode_batch(part, add_special_tokens=False):
            np.add.at(counts, encoding.ids, 1)
    return counts


def check_equal(
    whole: Tokenizer,
    cut: dict[str, Any],
    kept: NDArray[np.int64],
    texts: Sequence[str],
    *,
    most: int = 4096,
) -> int:
    """Return how many of `most` texts, drawn evenly, have no piece that fell away.

    `TrainingError` if the cut tokenizer cuts one of these in another way.
    """
    smaller = Tokenizer.from_str(json.dumps(cut))
    sample = list(texts[:: max(1, len(texts) // most)])
    is_kept, n_same = set(kept.tolist()), 0
    encoded = zip(whole.encode_batch(sample), smaller.encode_batch(sample), strict=True)
    for text, (before, after) in zip(sample, encoded, strict=True):
        if not is_kept.issuperset(before.ids):
            continue
        if before.tokens != after.tokens:
            raise TrainingError(
                f"the cut tokenizer reads {text[:80]!r} as {after.tokens[:20]}, not as "
                f"{before.tokens[:20]}: it cannot be cut"
            )
        n_same += 1
    return n_same


def _ids(config: PretrainedConfig, n_pieces: int) -> dict[str, int]:
    """Return the rows that a configuration names, where they are rows of pieces."""
    named = {name: getattr(config, name, None) for name in TOKEN_IDS}
    return {name: row for name, row in named.items() if isinstance(row, int) and row < n_pieces}


def _write(backbone: Path, part: Path, cut: dict[str, Any], kept: NDArray[np.int64]) -> None:
    """Write the folder: weights and tokenizer are cut, all else is copied."""
    shutil.copytree(backbone, part, ignore=shutil.ignore_patterns(*WEIGHTS))
    model = _whole_model(backbone)
    config = model.config
    weight = cast(nn.Embedding, model.get_input_embeddings()).weight.data[kept].clone()
    ids = _ids(config, int(kept.max()) + 1)
    model.set_input_embeddings(nn.Embedding(len(weight), weight.shape[1], _weight=weight))
    config.vocab_size = len(kept)
    for name, row in ids.items():
        setattr(config, name, int(np.searchsorted(kept, row)))
    model.save_pretrained(part)
    (part / TOKENIZER).write_text(json.dumps(cut, ensure_ascii=False), encoding="utf-8")
    _write_tokenizer_config(part / TOKENIZER_CONFIG)
    if (part / "README.md").is_file():
        with (part / "README.md").open("a", encoding="utf-8") as file:
            file.write(f"\nIts vocabulary was cut to {len(kept)} pieces.\n")


def _whole_model(backbone: Path) -> PreTrainedModel:
    with told_of(str(backbone)):
        model, loaded = AutoModel.from_pretrained(backbone, dtype="auto", output_loading_info=True)
    if missing := [name for name in loaded["missing_keys"] if not name.startswith("pooler.")]:
        raise TrainingError(
            f"{backbone} lacks {len(missing)} weights, {min(missing)} first: fetch or save it again"
        )
    if model.config.get_text_config() is not model.config:
        raise TrainingError(f"{backbone} is a model of text and images: it cannot be cut")
    return cast(PreTrainedModel, model)


def _write_tokenizer_config(path: Path) -> None:
    """Take the old ids out, which `tokenizer.json` has anew."""
    if path.is_file():
        content = json.loads(path.read_text(encoding="utf-8"))
        content.pop("added_tokens_decoder", None)
        path.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")
