from importlib import import_module

import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.impacts import Impacts
from splare_os.search.contrast.separation import benjamini_hochberg, fisher, separate


def impacts(rows: list[list[float]]) -> Impacts:
    return csr_array(np.array(rows, dtype=np.float32))


def test_figures_are_those_counted_by_hand() -> None:
    a = impacts([[1.0, 0.5, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0], [3.0, 0.1, 0.0, 0.0]])
    b = impacts([[0.0, 0.5, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    found = separate(a, b)
    assert (found.n_a, found.n_b, found.tested) == (3, 2, 3)
    assert found.in_a.tolist() == [3, 2, 0, 0]
    assert found.in_b.tolist() == [0, 1, 0, 1]
    assert found.difference == pytest.approx([1.0, 2 / 3 - 1 / 2, 0.0, -0.5])
    # latent 0: (3.5 / 0.5) / (0.5 / 2.5); latent 1: (2.5 / 1.5) / (1.5 / 1.5)
    assert found.odds_ratio == pytest.approx([35.0, 5 / 3, 5 / 7, (0.5 / 3.5) / 1.0])
    # of 10 ways to deal 3 of 5, one has all in A; latent 3: 2 of 5 ways
    assert found.p == pytest.approx([0.1, 1.0, 1.0, 0.4])
    assert found.q == pytest.approx([0.3, 1.0, 1.0, 0.6])
    assert found.ranked().tolist() == [0, 3, 1]


def test_fishers_test_is_that_of_scipy() -> None:
    stats = import_module("scipy.stats")  # it looks for torch, which others do without
    rng = np.random.default_rng(0)
    in_a, in_b = rng.integers(0, 41, 200), rng.integers(0, 26, 200)
    wanted = [
        stats.fisher_exact([[x, 40 - x], [y, 25 - y]]).pvalue
        for x, y in zip(in_a, in_b, strict=True)
    ]
    assert fisher(in_a, in_b, 40, 25) == pytest.approx(wanted, rel=1e-6)


def test_false_discovery_rates_are_those_of_scipy() -> None:
    stats = import_module("scipy.stats")  # it looks for torch, which others do without
    p = np.random.default_rng(0).random(300) ** 3
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


def test_random_halves_have_a_discovery_no_more_often_than_was_asked_for() -> None:
    rng = np.random.default_rng(0)
    n_runs, found = 300, 0
    shares = rng.random(400) ** 2
    for _ in range(n_runs):
        texts = csr_array((rng.random((120, 400)) < shares).astype(np.float32))
        found += bool((separate(texts[:60], texts[60:]).q <= 0.05).any())
    assert found / n_runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_runs)


def test_planted_latents_are_found_among_many_with_few_others() -> None:
    rng = np.random.default_rng(0)
    texts = (rng.random((200, 1000)) < 0.1).astype(np.float32)
    planted = np.arange(0, 1000, 50)
    texts[:100, planted] = rng.random((100, len(planted))) < 0.5
    found = separate(csr_array(texts[:100]), csr_array(texts[100:]))
    discovered = set(np.flatnonzero(found.q <= 0.05).tolist())
    assert set(planted.tolist()) <= discovered
    assert len(discovered - set(planted.tolist())) <= 3
    assert set(found.ranked()[: len(planted)].tolist()) == set(planted.tolist())


def test_both_sets_need_texts() -> None:
    with pytest.raises(ValueError, match="sets of 1 and 0 texts"):
        separate(impacts([[1.0]]), impacts([[1.0]])[:0])
