from dataclasses import replace

import numpy as np
import pytest
import torch

from splare_os.encode.packing import pack
from splare_os.encode.windows import Windows
from splare_os.train.adapt.batches import MaskedBatches, Masking, hold_out, once, shuffled

MASKING = Masking(0.15, 7, 1000, frozenset({2, 3}), from_previous=False)


def windows(n: int = 40) -> Windows:
    rng = np.random.default_rng(0)
    ids = [[2, *rng.integers(10, 1000, rng.integers(5, 30)).tolist(), 3] for _ in range(n)]
    return Windows(ids, [], np.arange(n), n)


def test_of_the_masked_tokens_eight_in_ten_are_masks_and_one_is_itself() -> None:
    given = pack(windows(4000), np.arange(4000))
    batch = MASKING.apply(given, seed=0)
    ids, places = batch["input_ids"][0], batch["places"]
    ordinary = int((given.ids >= 10).sum())
    assert len(places) == round(0.15 * ordinary)
    assert torch.equal(batch["targets"], given.ids[places])
    masks = float((ids[places] == 7).float().mean())
    same = float((ids[places] == batch["targets"]).float().mean())
    assert abs(masks - 0.8) < 0.02
    assert abs(same - 0.1) < 0.02
    rest = torch.ones(len(ids), dtype=torch.bool)
    rest[places] = False
    assert torch.equal(ids[rest], given.ids[rest])
    assert not torch.isin(batch["targets"], torch.tensor([2, 3])).any()


def test_no_first_token_is_masked_where_the_state_before_predicts() -> None:
    masking = Masking(0.9, 7, 1000, frozenset(), from_previous=True)
    batch = masking.apply(pack(windows(), np.arange(40)), seed=0)
    assert (batch["position_ids"][0][batch["places"]] > 0).all()


def test_a_batch_is_a_function_of_its_number() -> None:
    given = windows()
    groups = shuffled(given, MASKING, max_tokens=100, n_groups=30, seed=0)
    batches = MaskedBatches(given, MASKING, groups, seed=0)
    first, again, other = batches[3], batches[3], batches[4]
    assert torch.equal(first["input_ids"], again["input_ids"])
    assert not torch.equal(first["input_ids"], other["input_ids"])


def test_each_pass_has_every_window_once_within_the_limit() -> None:
    given = windows()
    n = len(once(given, MASKING, max_tokens=100))
    groups = shuffled(given, MASKING, max_tokens=100, n_groups=3 * n, seed=0)
    assert len(groups) == 3 * n
    seen = np.concatenate(groups)
    assert sorted(seen[:40].tolist()) == list(range(40))
    assert not np.array_equal(seen[:40], seen[40:80])
    assert max(sum(len(given.ids[row]) for row in group) for group in groups) <= 100


def test_a_window_over_the_limit_is_a_batch_of_its_own() -> None:
    given = Windows([[5] * 9, [6] * 3, [7] * 3], [], np.arange(3), 3)
    assert [group.tolist() for group in once(given, MASKING, max_tokens=6)] == [[0], [1, 2]]


def test_a_batch_without_a_token_to_mask_is_left_out() -> None:
    given = Windows([[2, 3, 2], [2, 9, 3], [8]], [], np.arange(3), 3)
    assert [group.tolist() for group in once(given, MASKING, max_tokens=3)] == [[1], [2]]
    before = replace(MASKING, from_previous=True)
    assert [group.tolist() for group in once(given, before, max_tokens=3)] == [[1]]
    for group in shuffled(given, before, max_tokens=3, n_groups=4, seed=0):
        assert len(before.apply(pack(given, group), seed=0)["places"]) == 1
    nothing = Windows([[2, 3], [8]], [], np.arange(2), 2)
    with pytest.raises(ValueError, match="no window has a token to mask"):
        once(nothing, before, max_tokens=9)


def test_the_texts_held_out_are_never_trained_on_and_do_not_follow_the_order() -> None:
    texts = [f"text {n % 50}" for n in range(100)]
    train, held_out = hold_out(texts, share=0.2, limit=100)
    assert len(held_out) == 10
    assert set(train).isdisjoint(held_out)
    assert set(train) | set(held_out) == set(texts)
    assert set(hold_out(texts[::-1], share=0.2, limit=100)[1]) == set(held_out)
    assert len(hold_out(texts, share=0.5, limit=3)[1]) == 3
