from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertModel

from splare_os.encode import Backbone, load_backbone
from splare_os.errors import TrainingError
from splare_os.train.sae import StateOptions, States, token_states
from splare_os.train.sae import states as states_module
from splare_os.train.sae.states_store import whole_states
from tests.models import save_bert, save_model

TEXTS = ["the oil crisis", "", "price of oil, 1973", "war", "the oil crisis"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    save_bert(folder)
    return folder


@pytest.fixture(scope="module")
def backbone(folder: Path) -> Backbone:
    return load_backbone(str(folder), n_blocks=2, window=32)


def all_of(states: States) -> np.ndarray:
    return states.read(slice(None)).numpy()


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
    states = all_of(token_states(TEXTS, backbone, StateOptions(window=32)))
    want = np.concatenate(expected)
    assert states.shape == want.shape
    # the rounding to float16 may reorder near-equal rows: match each row to its nearest
    gaps = np.abs(states[:, None] - want[None]).max(axis=-1)
    assert sorted(gaps.argmin(axis=1)) == list(range(len(want)))
    assert gaps.min(axis=1).max() < 2e-3


def test_equal_seeds_give_equal_states_in_memory_and_in_a_file(
    backbone: Backbone, tmp_path: Path
) -> None:
    options = StateOptions(window=32, seed=3)
    mapped = token_states(TEXTS, backbone, options, folder=tmp_path)
    assert isinstance(mapped.rows, np.memmap)
    states = all_of(mapped)
    np.testing.assert_array_equal(states, all_of(token_states(TEXTS, backbone, options)))
    np.testing.assert_array_equal(states, all_of(whole_states(tmp_path)))
    other = all_of(token_states(TEXTS, backbone, StateOptions(window=32, seed=4)))
    assert not np.array_equal(states, other)
    np.testing.assert_allclose(in_order(states), in_order(other), atol=2e-3)


def test_no_more_states_than_asked_for(backbone: Backbone) -> None:
    states = token_states(["oil " * 20, "war " * 20], backbone, StateOptions(n_states=7, window=32))
    assert states.rows.shape == (7, 16)
    assert all_of(states).any(axis=1).all()


def test_held_out_states_come_from_texts_of_their_own(backbone: Backbone) -> None:
    texts = [f"{a} {b}" * 3 for a in ("oil", "war", "price", "river") for b in "abcdefgh"]
    options = StateOptions(n_states=60, held_out=20, window=32)
    states = all_of(token_states(texts, backbone, options))
    assert states.shape == (80, 16)
    owners = [
        {row.tobytes() for row in all_of(token_states([text], backbone, StateOptions(window=32)))}
        for text in texts
    ]
    found = [
        {n for n, rows in enumerate(owners) for row in part if row.tobytes() in rows}
        for part in (states[:20], states[20:])
    ]
    assert all(found)
    assert not found[0] & found[1]


def test_states_that_all_would_be_held_out_are_refused(backbone: Backbone) -> None:
    with pytest.raises(ValueError, match="2 texts hold 5 tokens, and held_out=9"):
        token_states(["oil war price", "the river"], backbone, StateOptions(held_out=9, window=32))


def test_a_stopped_call_goes_on_and_gives_the_same_states(
    backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["oil " * n for n in range(1, 12)]
    options = StateOptions(window=32, pass_tokens=16)
    whole = all_of(token_states(texts, backbone, options))
    monkeypatch.setattr(states_module, "KEEP_EVERY_S", 0.0)
    forward, passes = states_module._forward, []

    def stopping(*args: object) -> torch.Tensor:
        passes.append(args)
        if len(passes) == 4:
            raise KeyboardInterrupt
        return forward(*args)

    monkeypatch.setattr(states_module, "_forward", stopping)
    with pytest.raises(KeyboardInterrupt):
        token_states(texts, backbone, options, folder=tmp_path)
    assert whole_states(tmp_path) is None
    again = all_of(token_states(texts, backbone, options, folder=tmp_path))
    n_passes = len(passes)
    passes.clear()
    monkeypatch.setattr(states_module, "_forward", lambda *args: passes.append(1) or forward(*args))
    token_states(texts, backbone, options)
    assert n_passes == len(passes) + 1  # one pass was made twice, none else
    np.testing.assert_array_equal(again, whole)


def test_states_that_are_no_numbers_are_refused(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = states_module._forward
    monkeypatch.setattr(states_module, "_forward", lambda *args: forward(*args) / 0)
    with pytest.raises(TrainingError, match="100% of the states of a pass of 3 tokens are NaN"):
        token_states(["oil war price"], backbone, StateOptions(window=32))


def test_long_texts_are_cut_into_windows_not_truncated(backbone: Backbone) -> None:
    assert len(token_states(["oil " * 100], backbone, StateOptions(window=32))) == 100


def test_texts_without_tokens_are_refused(backbone: Backbone) -> None:
    with pytest.raises(ValueError, match="2 texts hold no token"):
        token_states(["", " "], backbone, StateOptions())


def test_texts_of_a_script_that_the_tokenizer_lacks_are_refused(backbone: Backbone) -> None:
    english = [f"the oil crisis {number}" for number in range(38)]
    token_states([*english, "石油"], backbone, StateOptions(n_states=100, window=32))
    with pytest.raises(ValueError, match=r"2 of 39 texts are of a script that .* above 5%"):
        token_states([*english[:37], "石油", "価格"], backbone, StateOptions(window=32))


def test_sizes_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="window=0"):
        StateOptions(window=0)


@pytest.mark.parametrize(
    "family", ["bert", "modernbert", "gemma2", "gemma3_text", "llama", "qwen3"]
)
def test_states_in_bfloat16_are_near_those_in_float32(family: str, tmp_path: Path) -> None:
    save_model(tmp_path, family)
    backbone = load_backbone(str(tmp_path), n_blocks=2, window=32)
    full, fast = (
        all_of(token_states(TEXTS, backbone, StateOptions(window=32, autocast=autocast)))
        for autocast in (False, True)
    )
    assert np.abs(full - fast).max() < 0.05 * np.abs(full).max()
