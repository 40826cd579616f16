import pytest
from opensearchpy import OpenSearch

from splare_os.errors import LabelError, ModelMismatchError
from splare_os.layout.labels import Label, ensure_labels, keep_labels
from splare_os.search import Hit, Labels, Match
from splare_os.search.labels.labels import labelled
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

LABELS = [
    Label(7, "oil, embargo", "x", words=("opec",)),
    Label(8, "river, bridge", "x", words=("water", "oil")),
]


@pytest.fixture
def kept(client: OpenSearch, index: str) -> str:
    ensure_labels(client, index)
    keep_labels(client, HashEncoder(), LABELS, index)
    client.indices.refresh(index=index)
    return index


def test_labels_are_looked_up_by_latent(client: OpenSearch, kept: str) -> None:
    labels = Labels.of(client, HashEncoder(), kept)
    assert labels.look_up([8, 9, 8]) == {8: LABELS[1]}
    assert labels.look_up([]) == {}
    client.indices.delete(index=kept)
    assert labels.look_up([8, 9]) == {8: LABELS[1]}  # what was read is remembered


@pytest.mark.parametrize("latent", [-1, 512])
def test_a_number_that_is_no_latent_is_a_mistake(
    client: OpenSearch, kept: str, latent: int
) -> None:
    with pytest.raises(ValueError, match=f"latent {latent}: 'hash' has latents 0 to 511"):
        Labels.of(client, HashEncoder(), kept).look_up([7, latent])


def test_labels_of_another_model_are_refused(client: OpenSearch, kept: str) -> None:
    other = HashEncoder(fingerprint="f" * 16)
    told = "has labels of 'hash' \\(0123456789abcdef\\), none of 'hash' \\(ffffffffffffffff\\)"
    with pytest.raises(ModelMismatchError, match=told):
        Labels.of(client, other, kept)


def test_without_labels_it_is_told_how_they_are_made(client: OpenSearch, index: str) -> None:
    for _ in range(2):
        with pytest.raises(LabelError, match="make them with `splare-os label`"):
            Labels.of(client, HashEncoder(), index)
        ensure_labels(client, index)


def test_latents_are_found_by_what_their_labels_say(client: OpenSearch, kept: str) -> None:
    keep_labels(client, HashEncoder(fingerprint="f" * 16), [Label(9, "oil", "x")], kept)
    client.indices.refresh(index=kept)
    labels = Labels.of(client, HashEncoder(), kept)
    assert [label.latent for label in labels.find("Oil")] == [7, 8]
    assert [label.latent for label in labels.find("oil", size=1)] == [7]
    assert labels.find("music") == []


def test_matches_of_hits_get_their_labels(client: OpenSearch, kept: str) -> None:
    matches = [Match(latent, 1.0, 1.0, 1.0, "oil", "oils") for latent in (9, 8)]
    (hit,) = labelled([Hit("d1", 2.0, {}, matches)], Labels.of(client, HashEncoder(), kept))
    assert [match.label for match in hit.matches] == [None, "river, bridge"]
    assert [match.label for match in matches] == [None, None]
