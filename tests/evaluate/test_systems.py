import pytest

from splare_os.evaluate import choose, needs_cluster, unique_names
from tests.hashing import HashEncoder


def named(name: str) -> HashEncoder:
    encoder = HashEncoder()
    encoder.name = name
    return encoder


def test_systems_are_all_unless_named() -> None:
    assert choose((), ["mini"]) == ("bm25", "dense", "mini", "hybrid")
    assert choose(("hybrid", "bm25", "hybrid"), ["mini"]) == ("hybrid", "bm25")
    assert choose(("hybrid-b",), ["a", "b"]) == ("hybrid-b",)
    assert choose((), []) == ("bm25", "dense")
    with pytest.raises(ValueError, match="'splade': choose from bm25, dense, mini, hybrid, hybr"):
        choose(("splade",), ["mini"])
    with pytest.raises(ValueError, match="'hybrid': choose from bm25, dense"):
        choose(("hybrid",), [])


def test_models_of_one_name_are_numbered() -> None:
    models = [named("a"), named("a-2"), named("a"), named("a")]
    assert unique_names(models) == ("a", "a-2", "a-3", "a-4")
    for taken in ("dense", "hybrid-a"):
        with pytest.raises(ValueError, match=f"the model is named '{taken}' as a baseline is"):
            unique_names([named(taken)])


def test_only_models_in_memory_and_dense_need_no_cluster() -> None:
    assert not needs_cluster(["dense"], in_memory=False)
    assert not needs_cluster(["dense", "mini"], in_memory=True)
    assert needs_cluster(["mini"], in_memory=False)
    assert needs_cluster(["mini", "hybrid-mini"], in_memory=True)
    assert needs_cluster(["bm25"], in_memory=True)
