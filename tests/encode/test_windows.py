from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from splare_os.encode.windows import Windows, split
from tests.models import save_bert


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    folder: Path = tmp_path_factory.mktemp("bert")
    save_bert(folder)
    return AutoTokenizer.from_pretrained(folder)


def test_a_long_text_is_cut_into_windows_that_overlap(tokenizer: PreTrainedTokenizerBase) -> None:
    windows = split(tokenizer, ["a b c d e f g", "oil"], size=6, overlap=1, with_offsets=True)
    assert windows.owners.tolist() == [0, 0, 1]
    tokens = [tokenizer.convert_ids_to_tokens(ids) for ids in windows.ids]
    assert tokens == [
        ["[CLS]", "a", "b", "c", "d", "[SEP]"],
        ["[CLS]", "d", "e", "f", "g", "[SEP]"],
        ["[CLS]", "oil", "[SEP]"],
    ]
    assert windows.offsets[1][1:5] == [(6, 7), (8, 9), (10, 11), (12, 13)]


def test_a_window_without_room_for_a_token_is_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    with pytest.raises(ValueError, match="a window of 2 tokens has room for 0"):
        split(tokenizer, ["oil"], size=2, overlap=0)


def test_a_token_that_two_windows_share_counts_in_one(tokenizer: PreTrainedTokenizerBase) -> None:
    windows = split(tokenizer, ["a b c d e f g h", "oil", "i j k l m n"], size=7, overlap=3)
    own = [
        tokenizer.convert_ids_to_tokens(ids[first:end])
        for ids, (first, end) in zip(windows.ids, windows.own_places().tolist(), strict=True)
    ]
    assert own == [
        ["[CLS]", "a", "b", "c"],  # d and e are shared too, and have more context in the next
        ["d", "e"],
        ["f", "g", "h", "[SEP]"],
        ["[CLS]", "oil", "[SEP]"],
        ["[CLS]", "i", "j", "k"],
        ["l", "m", "n", "[SEP]"],
    ]


@pytest.mark.parametrize("template", ["$A [SEP]", "[CLS] $A", "[CLS] [CLS] $A", "$A"])
@pytest.mark.parametrize("overlap", [0, 1, 2, 3, 4])
def test_own_places_hold_every_token_once_wherever_special_ones_stand(
    tokenizer: PreTrainedTokenizerBase, template: str, overlap: int
) -> None:
    other = deepcopy(tokenizer)
    other.backend_tokenizer.post_processor = TemplateProcessing(
        single=template, special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    text = " ".join("abcdefghijklmnopqrs")
    windows = split(other, [text], size=9, overlap=overlap)
    counted = [
        token
        for ids, (first, end) in zip(windows.ids, windows.own_places(), strict=True)
        for token in ids[first:end]
    ]
    assert [one for one in counted if one > 3] == other(text, add_special_tokens=False)["input_ids"]


def test_no_windows_have_no_places() -> None:
    assert Windows([], [], np.zeros(0, dtype=np.int64), 0).own_places().shape == (0, 2)
