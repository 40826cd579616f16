import pytest

from .conftest import Ask

pytestmark = pytest.mark.opensearch


def test_latents_of_two_queries_are_in_both_or_in_one(ask: Ask) -> None:
    _, found = ask("compare", kind="queries", a="oil price", b="oil river river")
    assert found["counts"] == {"shared": 1, "only_a": 1, "only_b": 1}
    assert [one["word_a"] for one in found["shared"]] == ["oil"]
    assert [one["word_b"] for one in found["only_b"]] == ["river"]
    (shared,) = found["shared"]
    assert 0 < shared["b"] <= 1
    assert 0 < found["cosine"] < 1


def test_a_text_is_like_itself(ask: Ask) -> None:
    for kind, one in (("queries", "oil price"), ("documents", "river")):
        _, found = ask("compare", kind=kind, a=one, b=one)
        assert found["cosine"] == pytest.approx(1)
        assert found["counts"]["only_a"] == found["counts"]["only_b"] == 0
        assert all(each["a"] == each["b"] for each in found["shared"])


def test_two_documents_share_their_words(ask: Ask) -> None:
    _, found = ask("compare", kind="documents", a="oil", b="river")
    assert [one["word_a"] for one in found["shared"]] == ["oil"]
    assert {one["word_b"] for one in found["only_b"]} >= {"river", "water", "carries"}
    assert ask("compare", kind="documents", a="oil", b="bread")[1]["cosine"] == 0
    assert ask("compare", kind="queries", a="?", b="oil")[1]["cosine"] == 0
