import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from splare_os.errors import TrainingError
from splare_os.train.trim.tokenizer import cut_tokenizer, read_pieces, special_ids
from tests.models import save_tokenizer
from tests.train.trim.small import save_unigram_model


@pytest.fixture
def content(tmp_path: Path) -> dict[str, Any]:
    save_unigram_model(tmp_path / "model")
    read: dict[str, Any] = json.loads((tmp_path / "model/tokenizer.json").read_text("utf-8"))
    return read


def without(content: dict[str, Any], *lost: str) -> Tokenizer:
    texts = [text for text, _ in read_pieces(content)]
    kept = np.array([number for number, text in enumerate(texts) if text not in lost])
    return Tokenizer.from_str(json.dumps(cut_tokenizer(content, kept)))


def test_pieces_that_are_kept_keep_their_scores_and_get_ids_in_order(
    content: dict[str, Any],
) -> None:
    cut = cut_tokenizer(content, np.array([0, 1, 2, 3, 6, 37]))
    assert cut["model"]["vocab"][4:] == [["▁oil", -5.0], ["<mask>", 0.0]]
    assert {token["content"]: token["id"] for token in cut["added_tokens"]} == {
        **{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 5}
    }
    assert len(content["model"]["vocab"]) == 38  # what is cut is a copy


def test_a_text_whose_pieces_are_kept_is_cut_as_before(content: dict[str, Any]) -> None:
    whole, cut = Tokenizer.from_str(json.dumps(content)), without(content, "▁price", "▁wa")
    assert cut.encode("the oil").tokens == whole.encode("the oil").tokens
    assert cut.encode("the oil").tokens == ["<s>", "▁the", "▁oil", "</s>"]


def test_a_piece_that_fell_away_is_read_as_smaller_ones(content: dict[str, Any]) -> None:
    assert without(content).encode("price").tokens == ["<s>", "▁price", "</s>"]
    assert without(content, "▁price").encode("price").tokens == ["<s>", "▁pri", "ce", "</s>"]
    letters = without(content, "▁price", "▁pri", "ce").encode("price").tokens
    assert letters == ["<s>", "▁", *"price", "</s>"]


def test_what_was_unknown_stays_so(content: dict[str, Any]) -> None:
    for lost in ((), ("▁the", "▁oil")):
        cut = without(content, *lost)
        unknown = cut.token_to_id("<unk>")
        assert cut.encode("é").ids == [0, cut.token_to_id("▁"), unknown, 2]


def test_special_tokens_are_those_added_put_around_and_unknown(content: dict[str, Any]) -> None:
    assert special_ids(content) == [0, 1, 2, 3, 37]


def test_a_tokenizer_of_words_with_rules_is_refused(
    content: dict[str, Any], tmp_path: Path
) -> None:
    save_tokenizer(tmp_path / "word")
    other = json.loads((tmp_path / "word/tokenizer.json").read_text("utf-8"))
    with pytest.raises(TrainingError, match="the tokenizer is a 'WordPiece': only a Unigram"):
        read_pieces(other)
    content["post_processor"]["type"] = "Sequence"
    with pytest.raises(TrainingError, match="post-processor is a 'Sequence'"):
        special_ids(content)
