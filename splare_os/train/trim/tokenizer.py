"""A unigram tokenizer cut to some of its pieces."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import TrainingError
from .pieces import Piece


def read_pieces(content: dict[str, Any]) -> list[Piece]:
    """Return the pieces of a `tokenizer.json`; `TrainingError` if it is no unigram's."""
    kind = content.get("model", {}).get("type")
    if kind != "Unigram":
        raise TrainingError(
            f"the tokenizer is a {kind!r}: only a Unigram (XLM-R's, T5's) can be cut, whose pieces "
            "do not depend on each other"
        )
    return [(text, float(score)) for text, score in content["model"]["vocab"]]


def special_ids(content: dict[str, Any]) -> list[int]:
    """Return the ids that a tokenizer has uses of its own for."""
    found = {int(token["id"]) for token in content["added_tokens"]}
    for _, ids in _templates(content):
        found.update(ids)
    if content["model"]["unk_id"] is not None:
        found.add(int(content["model"]["unk_id"]))
    return sorted(found)


def cut_tokenizer(content: dict[str, Any], kept: NDArray[np.int64]) -> dict[str, Any]:
    """Return a `tokenizer.json` of the pieces `kept` (ascending ids), which keep their scores.

    The best way to cut a text into pieces stays the best one where all of its pieces are kept;
    other texts fall to smaller pieces.
    """
    cut = copy.deepcopy(content)
    new = {int(old): number for number, old in enumerate(kept)}
    vocabulary = cut["model"]["vocab"]
    cut["model"]["vocab"] = [vocabulary[old] for old in kept]
    if cut["model"]["unk_id"] is not None:
        cut["model"]["unk_id"] = new[cut["model"]["unk_id"]]
    for token in cut["added_tokens"]:
        token["id"] = new[token["id"]]
    for entry, ids in _templates(cut):
        entry["ids"] = [new[old] for old in ids]
    return cut


def _templates(content: dict[str, Any]) -> list[tuple[dict[str, Any], list[int]]]:
    """Return the special tokens that are put around a text, and the ids of each."""
    processor = content.get("post_processor") or {}
    if processor and processor["type"] != "TemplateProcessing":
        raise TrainingError(
            f"the tokenizer's post-processor is a {processor['type']!r}: only TemplateProcessing "
            "can be cut"
        )
    return [(entry, entry["ids"]) for entry in processor.get("special_tokens", {}).values()]
