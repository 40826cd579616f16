from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from splare_os.encode.windows import split
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
