import json
from pathlib import Path

import numpy as np
import pytest

from splare_os.search.fusion.fusion import Fusion, fuse, normalised, read_fusion

WORDS = {"a": 12.0, "b": 11.0, "c": 3.0}
LATENTS = {"c": 0.9, "a": 0.8, "d": 0.4}
WEIGHTED = Fusion("weighted", weights=(0.25, 0.75))


def test_reciprocal_ranks_are_added() -> None:
    fused = fuse([WORDS, LATENTS])
    assert list(fused) == ["a", "c", "b", "d"]
    by_hand = {"a": 1 / 61 + 1 / 62, "c": 1 / 63 + 1 / 61, "b": 1 / 62, "d": 1 / 63}
    assert fused == pytest.approx(by_hand, rel=1e-6)
    assert all(np.float32(score) == score for score in fused.values())


def test_normalised_scores_are_weighed_and_added() -> None:
    # words: 1, 8/9, 0.001; latents: 1, 0.8, 0.001
    by_hand = {
        "a": 0.25 + 0.75 * 0.8,
        "c": 0.25 * 0.001 + 0.75,
        "b": 0.25 * 8 / 9,
        "d": 0.75 * 0.001,
    }
    fused = fuse([WORDS, LATENTS], WEIGHTED)
    assert fused == pytest.approx(by_hand, rel=1e-6)
    assert list(fused) == ["a", "c", "b", "d"]


def test_scores_that_are_equal_are_all_one() -> None:
    assert normalised([3.0]) == normalised([2.0, 2.0])[:1] == [1]
    assert normalised([]) == []


@pytest.mark.parametrize("fusion", [Fusion(depth=2), Fusion("weighted", 60, (0.5, 0.5), 2)])
def test_fusion_looks_no_deeper_than_depth(fusion: Fusion) -> None:
    assert set(fuse([WORDS, LATENTS], fusion)) == {"a", "b", "c"}


def test_documents_of_one_score_stand_as_they_are_met_or_as_told() -> None:
    one, two = {"a": 2.0}, {"b": 1.0}
    assert list(fuse([one, two])) == ["a", "b"]
    assert list(fuse([one, two], order=lambda name: -ord(name))) == ["b", "a"]


def test_a_ranking_may_be_empty_and_so_may_all() -> None:
    assert list(fuse([{}, LATENTS], WEIGHTED)) == list(LATENTS)
    assert fuse([{}, {}]) == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "sum"}, "method='sum': choose one of rrf, weighted"),
        ({"k": 0}, "k=0: give a number from 1 to 10000"),
        ({"depth": 0}, "depth=0: fuse from 1 to 10000"),
        ({"weights": (0.5, 0.5)}, "only method='weighted' has them"),
        ({"method": "weighted"}, "weights=\\(\\): give one for each ranking"),
        ({"method": "weighted", "weights": (0.5, 0.6)}, "together 1"),
        ({"method": "weighted", "weights": (1.5, -0.5)}, "from 0 to 1"),
        ({"method": "weighted", "weights": ("1",)}, "weights=\\('1',\\)"),
    ],
)
def test_what_fuses_nothing_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fusion(**options)


def test_each_ranking_needs_a_weight() -> None:
    with pytest.raises(ValueError, match="there are 3 rankings"):
        fuse([WORDS, LATENTS, WORDS], WEIGHTED)


def test_some_fusions_have_names() -> None:
    assert read_fusion("rrf") == Fusion()
    assert read_fusion("weighted") == Fusion("weighted", weights=(0.4, 0.6))


@pytest.mark.parametrize("fusion", [Fusion(k=20, depth=50), WEIGHTED])
def test_a_file_keeps_a_fusion_and_how_it_was_found(tmp_path: Path, fusion: Fusion) -> None:
    path = tmp_path / "fusion.json"
    path.write_text(json.dumps(fusion.to_json() | {"fitted": {"queries": 12}}))
    assert read_fusion(path) == fusion


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "it is no JSON"),
        ("[]", 'an object with a "method"'),
        ('{"method": "weighted", "weights": 3}', "weights=3: give a list"),
        ('{"method": "rrf", "rank": 3}', "it has \\['rank'\\]; known are"),
        ('{"method": "rrf", "k": "3"}', "fusion.json: "),
        ('{"method": "weighted", "weights": [1, 1]}', "fusion.json: weights=\\(1, 1\\)"),
    ],
)
def test_a_broken_file_is_told(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "fusion.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_fusion(path)
    with pytest.raises(ValueError, match="nowhere: it is none of rrf, weighted, and no file"):
        read_fusion(tmp_path / "nowhere")
