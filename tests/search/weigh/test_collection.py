"""What a client knows of a collection, and how old it may be."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.errors import StatisticsError
from splare_os.layout.statistics import (
    Kept,
    forget_statistics,
    keep_statistics,
    kept_statistics,
)
from splare_os.search.weigh.collection import Collection
from splare_os.statistics import Statistics
from tests.hashing import HashEncoder

FIELD = "text_splare"
ENCODER = HashEncoder(n_latents=3)


class PriorEncoder(HashEncoder):
    prior = Statistics(1000, np.array([900.0, 10.0, 0.0]), 1.0)


@pytest.fixture
def keep(client: OpenSearch) -> Iterator[object]:
    """Keep statistics of 3 latents for an index; forgotten at the end."""
    indices: set[str] = set()

    def kept(index: str, documents: float, *frequency: float, fingerprint: str = "") -> None:
        indices.add(index)
        statistics = Statistics(documents, np.array(frequency), 1.0)
        made = Kept(statistics, fingerprint or ENCODER.fingerprint, datetime.now(UTC))
        keep_statistics(client, index, FIELD, made)

    yield kept
    for index in indices:
        forget_statistics(client, index, FIELD)


def test_an_age_is_a_time() -> None:
    with pytest.raises(ValueError, match="max_age_s=-1"):
        Collection(OpenSearch(), max_age_s=-1)


@pytest.mark.opensearch
def test_the_indices_of_an_alias_are_one_collection(client: OpenSearch, keep) -> None:
    keep("one", 10, 1, 2, 3)
    keep("two", 90, 9, 8, 0)
    found = Collection(client).known(["one", "two"], FIELD, ENCODER).idf
    together = Statistics(100, np.array([10.0, 10.0, 3.0]), 1.0)
    assert found == pytest.approx(together.idf())


@pytest.mark.opensearch
def test_an_index_without_statistics_adds_nothing(client: OpenSearch, keep) -> None:
    keep("one", 10, 1, 2, 3)
    found = Collection(client).known(["one", "unknown"], FIELD, ENCODER).idf
    assert found == pytest.approx(Statistics(10, np.array([1.0, 2.0, 3.0]), 1.0).idf())


@pytest.mark.opensearch
def test_statistics_of_another_model_do_not_count(client: OpenSearch, keep) -> None:
    keep("one", 10, 1, 2, 3, fingerprint="e" * 16)
    assert len(set(Collection(client).known(["one"], FIELD, ENCODER).idf.tolist())) == 1


@pytest.mark.opensearch
def test_an_empty_collection_has_the_models_prior(client: OpenSearch) -> None:
    encoder = PriorEncoder(n_latents=3)
    found = Collection(client).known(["unknown"], FIELD, encoder).idf
    assert found == pytest.approx(Statistics(100, np.array([90.0, 1.0, 0.0]), 1.0).idf())


@pytest.mark.opensearch
def test_they_are_read_again_when_they_are_older_than_asked(
    client: OpenSearch, keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("splare_os.search.weigh.collection.time.monotonic", lambda: now[0])
    collection = Collection(client, max_age_s=60)
    keep("one", 10, 1, 2, 3)
    first = collection.known(["one"], FIELD, ENCODER).idf
    keep("one", 10, 9, 9, 9)
    now[0] += 60
    assert collection.known(["one"], FIELD, ENCODER).idf is first
    now[0] += 0.1
    assert collection.known(["one"], FIELD, ENCODER).idf[0] < first[0]


@pytest.mark.opensearch
def test_a_cluster_without_statistics_is_searched_all_the_same(
    client: OpenSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splare_os.layout.statistics.INDEX", ".splare-nowhere")
    assert len(set(Collection(client).known(["one"], FIELD, ENCODER).idf.tolist())) == 1


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """From now on statistics cannot be read."""

    def fail(*_: object, **__: object) -> None:
        raise StatisticsError("statistics cannot be read")

    monkeypatch.setattr("splare_os.search.weigh.collection.kept_statistics", fail)
    return monkeypatch


def test_where_none_were_ever_read_the_prior_is_what_is_known(
    failing: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = Collection(OpenSearch()).known(["one"], FIELD, PriorEncoder(n_latents=3)).idf
    assert found == pytest.approx(Statistics(100, np.array([90.0, 1.0, 0.0]), 1.0).idf())
    assert "cannot be read; what was known before stays" in caplog.text


@pytest.mark.opensearch
def test_what_was_read_stays_while_it_cannot_be_read_again(
    client: OpenSearch, keep, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("splare_os.search.weigh.collection.time.monotonic", lambda: now[0])
    collection = Collection(client, max_age_s=60)
    keep("one", 10, 1, 2, 3)
    first = collection.known(["one"], FIELD, ENCODER).idf
    keep("one", 10, 9, 9, 9)
    now[0] += 61
    with monkeypatch.context() as patch:
        request.getfixturevalue("failing")
        assert collection.known(["one"], FIELD, ENCODER).idf is first
        patch.setattr("splare_os.search.weigh.collection.kept_statistics", kept_statistics)
        assert collection.known(["one"], FIELD, ENCODER).idf is first  # not asked at once again
        now[0] += 5.1
        assert collection.known(["one"], FIELD, ENCODER).idf[0] < first[0]


def test_each_user_sees_what_that_user_may_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def kept(*_: object, headers: dict[str, str], **__: object) -> dict[str, Kept]:
        asked.append(headers)
        return {}

    monkeypatch.setattr("splare_os.search.weigh.collection.kept_statistics", kept)
    collection = Collection(OpenSearch())
    for name in ("ann", "bob", "ann"):
        collection.known(["one"], FIELD, ENCODER, {"Authorization": name, "X-Opaque-Id": "7"})
    assert [headers["Authorization"] for headers in asked] == ["ann", "bob"]
