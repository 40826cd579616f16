from pathlib import Path

import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.errors import MappingError, ModelMismatchError
from splare_os.index import IngestOptions
from splare_os.layout.labels import Label, ensure_labels, keep_labels
from splare_os.search import ContrastOptions, Labels, contrast
from splare_os.search.contrast.separation import fisher
from tests.hashing import HashEncoder, WordEncoder

from ..filling import COMMON, fill, planted

pytestmark = pytest.mark.opensearch

ENCODER = WordEncoder()
PLANTED = {ENCODER.latent(word) for word in ("oil", "embargo", "river", "bridge")}


@pytest.fixture(params=[False, True], ids=["whole", "compact"])
def filled(request: pytest.FixtureRequest, client: OpenSearch, index: str, tmp_path: Path) -> str:
    options = IngestOptions(index, state_folder=tmp_path, compact=request.param)
    fill(client, ENCODER, options, planted(80), tmp_path)
    return index


def test_planted_latents_are_what_sets_documents_apart(client: OpenSearch, filled: str) -> None:
    found = contrast(client, ENCODER, filled, ("oil", "river"))
    assert {one.latent for one in found.latents} == PLANTED
    assert (found.significant, found.a.documents, found.b.documents) == (4, 40, 40)
    (oil,) = (one for one in found.latents if one.latent == ENCODER.latent("oil"))
    assert (oil.in_a, oil.in_b, oil.difference) == (40, 0, 1.0)
    assert oil.odds_ratio == pytest.approx((40.5 / 0.5) / (0.5 / 40.5))
    assert oil.p == pytest.approx(fisher(np.array([40]), np.array([0]), 40, 40)[0])
    assert oil.p == pytest.approx(2 / 107507208733336176461620, rel=1e-6)  # of C(80, 40) ways
    assert oil.q == pytest.approx(oil.p * found.tested / 4)
    assert len(oil.examples_a) == 2
    assert oil.examples_b == ()
    assert "oil embargo" in oil.examples_a[0].excerpt
    assert planted(80)[oil.examples_a[0].id].startswith("oil embargo")


def test_sets_the_other_way_round_differ_in_sign(client: OpenSearch, filled: str) -> None:
    there = contrast(client, ENCODER, filled, ("oil", "river"))
    back = contrast(client, ENCODER, filled, ("river", "oil"))
    assert [one.latent for one in there.latents] == [one.latent for one in back.latents]
    assert [one.difference for one in there.latents] == [-one.difference for one in back.latents]
    assert [one.q for one in there.latents] == pytest.approx([one.q for one in back.latents])


def test_random_halves_have_nothing_significant(client: OpenSearch, filled: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        ids = rng.permutation(list(planted(80))).tolist()
        found = contrast(client, ENCODER, filled, (ids[:40], ids[40:]))
        assert (found.significant, found.latents) == (0, [])
        assert found.tested > len(COMMON)
    every = contrast(
        client,
        ENCODER,
        filled,
        (ids[:40], ids[40:]),
        ContrastOptions(only_significant=False, size=5, examples=0),
    )
    assert len(every.latents) == 5
    assert min(one.q for one in every.latents) > 0.05


def test_a_sample_is_told(client: OpenSearch, filled: str) -> None:
    found = contrast(client, ENCODER, filled, ("oil", "river"), ContrastOptions(sample=15))
    assert (found.a.documents, found.a.total, found.b.documents) == (15, 40, 15)
    assert {one.latent for one in found.latents} == PLANTED


def test_labels_stand_beside_latents(client: OpenSearch, filled: str) -> None:
    oil, index = ENCODER.latent("oil"), f"{filled}-labels"
    ensure_labels(client, index)
    keep_labels(client, ENCODER, [Label(oil, "petroleum", "x")], index)
    client.indices.refresh(index=index)
    labels = Labels.of(client, ENCODER, index)
    found = contrast(client, ENCODER, filled, ("oil", "river"), labels=labels)
    assert {one.latent: one.label for one in found.latents}[oil] == "petroleum"
    assert [one.label for one in found.latents].count(None) == 3


def test_a_model_without_spans_has_examples_too(client: OpenSearch, filled: str) -> None:
    found = contrast(client, HashEncoder(), filled, ("oil", "river"))
    assert all(one.examples_a or one.examples_b for one in found.latents)


def test_an_index_without_impacts_or_of_another_model_is_refused(
    client: OpenSearch, filled: str
) -> None:
    client.indices.create(index=f"{filled}-bare")
    with pytest.raises(MappingError, match="has impacts for no field"):
        contrast(client, ENCODER, f"{filled}-bare", ("oil", "river"))
    other = HashEncoder(fingerprint="f" * 16)
    with pytest.raises(ModelMismatchError):
        contrast(client, other, filled, ("oil", "river"), ContrastOptions("text"))


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"size": 0}, "tell at least one latent"),
        ({"sample": 10_001}, "sample=10001"),
        ({"examples": -1}, "examples=-1"),
        ({"max_rate": 0.0}, "max_rate=0.0: give a rate between"),
        ({"overlap": "keep"}, "overlap='keep': choose refuse or drop"),
    ],
)
def test_what_cannot_be_done_is_a_mistake(chosen: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ContrastOptions(**chosen)  # type: ignore[arg-type]
