from dataclasses import replace

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import BulkError, LabelError, ReplyError
from splare_os.layout.labels import (
    Example,
    Label,
    ensure_labels,
    keep_labels,
    kept_labels,
    labelled_models,
    labels_template,
    parse_label,
)
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

OIL = Label(
    7,
    "oil, embargo",
    "index papers, text",
    words=("embargo",),
    trigger_words=("oil", "oils"),
    examples=(Example("d1", "… the oil embargo …"),),
    document_frequency=12,
    score=0.75,
    baseline=0.5,
    held_out=9,
)


@pytest.fixture
def kept(client: OpenSearch, index: str) -> str:
    ensure_labels(client, index)
    ensure_labels(client, index)
    return index


def test_what_is_kept_is_read_again(client: OpenSearch, kept: str) -> None:
    plain = Label(8, "rivers", "neuronpedia a/b", explainer="gpt-4o-mini", explanations=2)
    keep_labels(client, HashEncoder(), [OIL, plain], kept)
    assert kept_labels(client, HashEncoder(), [7, 8, 9], kept) == {7: OIL, 8: plain}


def test_a_later_label_of_a_latent_replaces_the_earlier(client: OpenSearch, kept: str) -> None:
    keep_labels(client, HashEncoder(), [OIL], kept)
    later = replace(OIL, label="petroleum", score=None)
    keep_labels(client, HashEncoder(), [later], kept)
    assert kept_labels(client, HashEncoder(), [7], kept) == {7: later}


def test_each_model_has_its_own(client: OpenSearch, kept: str) -> None:
    other = HashEncoder(fingerprint="f" * 16)
    keep_labels(client, HashEncoder(), [OIL], kept)
    assert kept_labels(client, other, [7], kept) == {}
    keep_labels(client, other, [replace(OIL, label="rivers")], kept)
    client.indices.refresh(index=kept)
    assert labelled_models(client, kept) == {"0123456789abcdef": "hash", "f" * 16: "hash"}
    assert kept_labels(client, HashEncoder(), [7], kept) == {7: OIL}


def test_where_there_is_no_index_no_model_has_labels(client: OpenSearch, index: str) -> None:
    assert labelled_models(client, index) == {}


def test_a_label_that_the_cluster_refuses_is_told(client: OpenSearch, kept: str) -> None:
    far = replace(OIL, latent=2**40)
    with pytest.raises(BulkError, match="refuses the label 0123456789abcdef-1099511627776"):
        keep_labels(client, HashEncoder(), [OIL, far], kept)


def test_nothing_is_kept_of_nothing(client: OpenSearch, index: str) -> None:
    keep_labels(client, HashEncoder(), [], index)
    assert not client.indices.exists(index=index)


def test_the_template_is_usable_alone(client: OpenSearch) -> None:
    client.indices.put_index_template(name="splare-labels-test", body=labels_template())
    client.indices.delete_index_template(name="splare-labels-test")


def test_a_label_that_somebody_wrote_by_hand_is_read() -> None:
    assert parse_label({"latent": 3, "label": "oil"}) == Label(3, "oil", "")
    found = parse_label(
        {
            **{"latent": 3, "label": "oil", "source": None, "fingerprint": "x"},
            **{"words": "crude", "trigger_words": ["oil", None, 3]},
            "examples": [{"id": "a", "more": 1}, "b"],
        }
    )
    assert (found.words, found.trigger_words) == (("crude",), ("oil",))
    assert [(one.id, one.excerpt) for one in found.examples] == [("a", "")]


@pytest.mark.parametrize("source", [{"latent": 3}, {"label": "oil"}, {"latent": 3, "label": ["a"]}])
def test_what_is_no_label_is_told(source: dict[str, object]) -> None:
    with pytest.raises(LabelError, match="delete it, or make it anew"):
        parse_label(source)


def test_labels_that_cannot_be_read_are_not_taken_for_none(client: OpenSearch, kept: str) -> None:
    keep_labels(client, HashEncoder(), [OIL], kept)
    client.indices.close(index=kept)
    with pytest.raises(ReplyError, match=f"labels in '{kept}' cannot be read: .*closed"):
        kept_labels(client, HashEncoder(), [7], kept)
    client.indices.delete(index=kept)
    assert kept_labels(client, HashEncoder(), [7], kept) == {}
