from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, BertModel

from splare_os.encode import load_backbone
from tests.models import save_bert


def test_states_are_those_of_the_full_model_after_the_same_block(tmp_path: Path) -> None:
    save_bert(tmp_path, layers=3)
    inputs = AutoTokenizer.from_pretrained(tmp_path)("the oil crisis", return_tensors="pt")
    backbone = load_backbone(str(tmp_path), n_blocks=2, window=32).eval()
    full = BertModel.from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        states = backbone(dict(inputs))["token_embeddings"]
        expected = full(**inputs, output_hidden_states=True).hidden_states[2]
    torch.testing.assert_close(states, expected)


def test_later_blocks_and_the_sentence_pooler_are_not_there(tmp_path: Path) -> None:
    save_bert(tmp_path, layers=3)
    names = dict(load_backbone(str(tmp_path), n_blocks=2, window=32).named_parameters())
    assert any(".layer.1." in name for name in names)
    assert not any(".layer.2." in name or "pooler" in name for name in names)


@pytest.mark.parametrize("n_blocks", [0, 4])
def test_a_block_that_the_model_lacks_is_refused(tmp_path: Path, n_blocks: int) -> None:
    save_bert(tmp_path, layers=3)
    with pytest.raises(ValueError, match=f"n_blocks={n_blocks}: .* has blocks 1 to 3"):
        load_backbone(str(tmp_path), n_blocks=n_blocks, window=32)
