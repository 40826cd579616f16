"""Labels beside what commands show."""

import pytest
from opensearchpy import OpenSearch
from opensearchpy.exceptions import AuthorizationException

from splare_os.cli.labels import found_labels, with_labels
from splare_os.layout.labels import Label, ensure_labels, keep_labels
from splare_os.search import Hit, Match
from tests.hashing import HashEncoder


@pytest.mark.opensearch
def test_labels_are_shown_where_the_model_has_some(
    client: OpenSearch, index: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert found_labels(client, HashEncoder(), index) is None
    ensure_labels(client, index)
    assert found_labels(client, HashEncoder(), index) is None
    assert capsys.readouterr().err == ""
    keep_labels(client, HashEncoder(), [Label(7, "oil", "x")], index)
    client.indices.refresh(index=index)
    labels = found_labels(client, HashEncoder(), index)
    assert labels is not None
    assert labels.look_up([7])[7].label == "oil"


@pytest.mark.opensearch
def test_labels_of_another_model_are_told_of_and_not_shown(
    client: OpenSearch, index: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure_labels(client, index)
    keep_labels(client, HashEncoder(), [Label(7, "oil", "x")], index)
    client.indices.refresh(index=index)
    assert found_labels(client, HashEncoder(fingerprint="f" * 16), index) is None
    assert "latents are shown without labels: index" in capsys.readouterr().err


def test_who_may_not_read_labels_sees_latents_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AuthorizationException(403, "security_exception", {})

    client = OpenSearch("http://localhost:9")
    monkeypatch.setattr(client, "search", refuse)
    assert found_labels(client, HashEncoder()) is None
    assert "latents are shown without labels: AuthorizationException(403" in capsys.readouterr().err


@pytest.mark.opensearch
def test_hits_get_labels_of_the_index_of_labels(client: OpenSearch) -> None:
    client.indices.delete(index="splare-labels", ignore_unavailable=True)
    hits = [Hit("d1", 1.0, {}, [Match(7, 1.0, 1.0, 1.0, "a", "b")])]
    encoder = HashEncoder(fingerprint="abcdefabcdefabcd")
    assert with_labels(client, encoder, hits) == hits
    ensure_labels(client)
    keep_labels(client, encoder, [Label(7, "oil", "x")])
    client.indices.refresh(index="splare-labels")
    (hit,) = with_labels(client, encoder, hits)
    assert [match.label for match in hit.matches] == ["oil"]
    client.indices.delete(index="splare-labels")
