"""`splare.json`: what a model folder says of itself, and the fingerprint that identifies it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..documents.template import TEMPLATE
from ..errors import EncoderError
from .modules import FIRST_PATHS

CARD = "splare.json"
VOLATILE_KEYS = {
    *("transformers_version", "dtype", "torch_dtype", "_name_or_path", "__version__"),
    *("truncation", "padding"),  # what a tokenizer was last called with
}
"""Keys of JSON files that differ between machines, versions and calls, but not in impacts."""


@dataclass(frozen=True)
class Card:
    """Settings of a model; `window` and `overlap` count tokens, special tokens included.

    `fingerprint` is empty until the folder is saved.
    """

    name: str
    window: int
    overlap: int = 32
    document_top_k: int = 400
    query_top_k: int = 40
    fingerprint: str = ""

    def __post_init__(self) -> None:
        for key in ("document_top_k", "query_top_k", "window", "overlap"):
            if type(getattr(self, key)) is not int:
                raise ValueError(f"{key}={getattr(self, key)!r}: must be a whole number")
            if key != "overlap" and getattr(self, key) < 1:
                raise ValueError(f"{key}={getattr(self, key)}: must be at least 1")
        if not 0 <= self.overlap < self.window // 2:
            raise ValueError(
                f"overlap={self.overlap}: must be at least 0 and under half of window={self.window}"
            )


def read_card(folder: Path) -> Card | None:
    """Return the card of a model folder, or None where there is none."""
    path = folder / CARD
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    known = {field.name for field in fields(Card)}
    if unknown := content.keys() - known:
        raise EncoderError(
            f"{path} has unknown keys {sorted(unknown)}; known are {sorted(known)}: "
            "the model was made by a newer splare-os, upgrade this one"
        )
    return Card(**content)


def require_card(folder: Path) -> Card:
    """Return the card of a model folder of ours, with the fingerprint of what is in it.

    A folder that sentence-transformers saved has none yet.
    """
    card = read_card(folder)
    if card is None:
        raise EncoderError(f"{folder} has no splare.json: save the model with SplareEncoder.save")
    return card if card.fingerprint else replace(card, fingerprint=fingerprint(folder, card))


def write_settings(folder: Path, card: Card) -> None:
    """Write a card without fingerprint, beside a model that is not all saved yet."""
    text = json.dumps(asdict(replace(card, fingerprint="")), indent=2) + "\n"
    (folder / CARD).write_text(text, encoding="utf-8")


def write_card(folder: Path, card: Card) -> Card:
    """Fingerprint the saved model in `folder`, write its card, and return that card."""
    card = replace(card, fingerprint=fingerprint(folder, card))
    text = json.dumps(asdict(card), indent=2) + "\n"
    (folder / CARD).write_text(text, encoding="utf-8")
    return card


def fingerprint(folder: Path, card: Card) -> str:
    """Return 16 hex digits over everything that changes a document's impacts.

    That is: weights, tokenizer, layer, SAE, pooling mask, prompts, window, overlap and text
    template; not where the model runs and in which precision, which changes what is rounded, nor
    how many impacts are kept.
    """
    parts: dict[str, object] = {
        "window": card.window,
        "overlap": card.overlap,
        "template": TEMPLATE,
        "files": dict(_file_digests(folder)),
    }
    return _digest(json.dumps(parts, sort_keys=True).encode())[:16]


def _file_digests(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix in {".safetensors", ".bin"}:
            with path.open("rb") as file:
                yield name, hashlib.file_digest(file, "sha256").hexdigest()
        elif path.suffix == ".json" and path.name not in {CARD, "tokenizer_config.json"}:
            content = _without_volatile(json.loads(path.read_text(encoding="utf-8")))
            if name == "modules.json":
                content = [
                    module | {"type": FIRST_PATHS.get(module["type"], module["type"])}
                    for module in content
                ]
            yield name, _digest(json.dumps(content, sort_keys=True).encode())


def _without_volatile(content: Any) -> Any:  # noqa: ANN401  # JSON
    if not isinstance(content, dict):
        return content
    return {
        key: _without_volatile(value) for key, value in content.items() if key not in VOLATILE_KEYS
    }


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Described:
    """What an encoder tells of itself by its card."""

    card: Card

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
    def document_top_k(self) -> int:
        """Most impacts of a document."""
        return self.card.document_top_k

    @property
    def query_top_k(self) -> int:
        """Most impacts of a query."""
        return self.card.query_top_k
