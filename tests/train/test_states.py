from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertModel

from splare_os.encode import Backbone, load_backbone
from splare_os.train import StateOptions, token_states
from tests.models import save_bert

TEXTS = ["the oil crisis", "", "price of oil, 1973", "war", "the oil crisis"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    save_bert(folder)
    return folder


@pytest.fixture(scope="module")
def backbone(folder: Path) -> Backbone:
    return load_backbone(str(folder), n_blocks=2, window=32)


def in_order(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T[::-1])]


def test_states_are_the_full_models_at_that_layer_without_special_tokens(
    folder: Path, backbone: Backbone
) -> None:
    full = BertModel.from_pretrained(folder).eval()
    expected = []
    for text in dict.fromkeys(TEXTS):
        inputs = backbone.tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            hidden = full(**inputs, output_hidden_states=True).hidden_states[2]
        expected.append(hidden[0, 1:-1].numpy())
    states = token_states(TEXTS, backbone, StateOptions(window=32))
    want = np.concatenate(expected)
    assert states.shape == want.shape
    # the rounding to float16 may reorder near-equal rows: match each row to its nearest
    gaps = np.abs(states[:, None].astype(np.float32) - want[None]).max(axis=-1)
    assert sorted(gaps.argmin(axis=1)) == list(range(len(want)))
    assert gaps.min(axis=1).max() < 2e-3


def test_equal_seeds_give_equal_states_in_memory_and_in_a_file(
    backbone: Backbone, tmp_path: Path
) -> None:
    options = StateOptions(window=32, seed=3)
    path = tmp_path / "states.npy"
    mapped = token_states(TEXTS, backbone, options, path=path)
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, token_states(TEXTS, backbone, options))
    other = token_states(TEXTS, backbone, StateOptions(window=32, seed=4))
    assert not np.array_equal(mapped, other)
    np.testing.assert_allclose(in_order(mapped), in_order(other), atol=2e-3)


def test_no_more_states_than_asked_for(backbone: Backbone) -> None:
    states = token_states(["oil " * 20, "war " * 20], backbone, StateOptions(n_states=7, window=32))
    assert states.shape == (7, 16)
    assert states.any(axis=1).all()


def test_long_texts_are_cut_into_windows_not_truncated(backbone: Backbone) -> None:
    assert len(token_states(["oil " * 100], backbone, StateOptions(window=32))) == 100


def test_texts_without_tokens_are_refused(backbone: Backbone) -> None:
    with pytest.raises(ValueError, match="2 texts hold no token"):
        token_states(["", " "], backbone, StateOptions())


def test_sizes_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="window=0"):
        StateOptions(window=0)
