from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from splare_os.encode.windows import batches, split
from tests.models import save_bert


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    folder: Path = tmp_path_factory.mktemp("bert")
    save_bert(folder)
    return AutoTokenizer.from_pretrained(folder)


def test_a_long_text_is_cut_into_windows_that_overlap(tokenizer: PreTrainedTokenizerBase) -> None:
    windows = split(tokenizer, ["a b c d e f g", "oil"], size=6, overlap=1)
    assert windows.owners.tolist() == [0, 0, 1]
    tokens = [tokenizer.convert_ids_to_tokens(ids) for ids in windows.ids]
    assert tokens == [
        ["[CLS]", "a", "b", "c", "d", "[SEP]"],
        ["[CLS]", "d", "e", "f", "g", "[SEP]"],
        ["[CLS]", "oil", "[SEP]"],
    ]
    assert windows.offsets[1][1:5] == [(6, 7), (8, 9), (10, 11), (12, 13)]


def test_every_window_is_in_one_batch_within_the_budget(tokenizer: PreTrainedTokenizerBase) -> None:
    texts = ["oil " * n for n in (1, 9, 3, 7, 2, 0, 12)]
    windows = split(tokenizer, texts, size=32, overlap=0)
    found = list(batches(windows, max_tokens=24, pad_id=0))
    assert sorted(row for batch in found for row in batch.windows) == list(range(7))
    for batch in found:
        ids, mask = batch.features["input_ids"], batch.features["attention_mask"]
        assert ids.numel() <= 24 or len(ids) == 1
        for row, window in enumerate(batch.windows):
            length = int(mask[row].sum())
            assert ids[row, :length].tolist() == windows.ids[window]
            assert not ids[row, length:].any()


def test_a_window_over_the_budget_is_a_batch_of_its_own(tokenizer: PreTrainedTokenizerBase) -> None:
    windows = split(tokenizer, ["oil " * 20, "oil"], size=32, overlap=0)
    assert [len(batch.windows) for batch in batches(windows, max_tokens=8, pad_id=0)] == [1, 1]
