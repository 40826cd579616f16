import json
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from opensearchpy import NotFoundError, OpenSearch

from splare_os.errors import StatisticsError
from splare_os.layout.statistics import (
    INDEX,
    Kept,
    forget_statistics,
    keep_statistics,
    kept_statistics,
    statistics_template,
)
from splare_os.reply import NO_INDEX
from splare_os.statistics import Statistics

FILE = Path(__file__).parents[2] / "mappings" / "splare-statistics.json"
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def kept(documents: int = 3) -> Kept:
    frequency = np.array([0.0, 3.0, 1.0])
    return Kept(Statistics(documents, frequency, 12.0), "f" * 16, WHEN, model="tiny")


def test_the_template_is_the_file() -> None:
    assert statistics_template() == json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.opensearch
def test_what_is_kept_comes_back(client: OpenSearch) -> None:
    keep_statistics(client, "kept-a", "text_splare", kept())
    found = kept_statistics(client, ["kept-a", "kept-b"], "text_splare")
    assert list(found) == ["kept-a"]
    one = found["kept-a"]
    assert (one.fingerprint, one.model) == ("f" * 16, "tiny")
    assert (one.taken_at, one.sampled) == (WHEN, None)
    assert one.statistics.documents == 3
    assert one.statistics.length == pytest.approx(12.0)
    assert one.statistics.document_frequency.tolist() == [0, 3, 1]


@pytest.mark.opensearch
def test_later_statistics_take_the_place_of_earlier_ones(client: OpenSearch) -> None:
    for documents in (3, 7):
        keep_statistics(client, "kept-c", "text_splare", kept(documents))
    assert kept_statistics(client, ["kept-c"], "text_splare")["kept-c"].statistics.documents == 7
    forget_statistics(client, "kept-c", "text_splare")
    forget_statistics(client, "kept-c", "text_splare")  # nothing there is no error
    assert not kept_statistics(client, ["kept-c"], "text_splare")


@pytest.mark.opensearch
def test_a_search_over_everything_does_not_meet_them(client: OpenSearch) -> None:
    keep_statistics(client, "kept-d", "text_splare", kept())
    client.indices.refresh(index=INDEX)
    reply = client.search(index="*", body={"size": 1000, "_source": False})
    assert INDEX not in {hit["_index"] for hit in reply["hits"]["hits"]}
    assert INDEX not in client.indices.get_mapping(index="*")


@pytest.mark.opensearch
def test_a_cluster_that_keeps_none_gives_none(
    client: OpenSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splare_os.layout.statistics.INDEX", ".splare-nowhere")
    assert kept_statistics(client, ["kept-a"], "text_splare") == {}
    forget_statistics(client, "kept-a", "text_splare")


@pytest.mark.opensearch
def test_statistics_that_cannot_be_read_are_not_taken_for_none(
    client: OpenSearch, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splare_os.layout.statistics.INDEX", index)
    client.indices.create(index=index)
    client.indices.close(index=index)
    with pytest.raises(StatisticsError, match=f"{index}.* cannot be read"):
        kept_statistics(client, ["kept-a"], "text_splare")


@pytest.mark.parametrize("name", [None, [], {}, ["x"], 7])
def test_a_reply_of_no_names_is_told(name: object) -> None:
    client = Mock(mget=lambda **_: {"docs": [{"_id": name, "found": False}]})
    with pytest.raises(StatisticsError, match="cannot be read: the cluster's reply has"):
        kept_statistics(client, ["kept-a"], "text_splare")


@pytest.mark.opensearch
def test_a_place_that_no_index_can_have_is_told(
    client: OpenSearch, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splare_os.layout.statistics.INDEX", f"{index}/X")
    with pytest.raises(StatisticsError, match="cannot be created"):
        keep_statistics(client, "kept-e", "text_splare", kept())


@pytest.mark.opensearch
def test_charts_find_the_shares_and_the_spectrum_beside_the_count(client: OpenSearch) -> None:
    keep_statistics(client, "kept-e", "text_splare", kept())
    source = client.get(index=INDEX, id="kept-e/text_splare")["_source"]
    told = {name: source[name] for name in ("latents", "dead", "everywhere", "spectrum")}
    assert told == {
        "latents": 3,
        "dead": 1,
        "everywhere": 1,  # 3 of 3 documents show it, the other is in 1 of 3
        "spectrum": [{"rank": 1, "documents": 3}, {"rank": 2, "documents": 1}],
    }


@pytest.mark.opensearch
def test_an_index_that_an_earlier_version_made_learns_what_is_new(
    client: OpenSearch, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = statistics_template()["template"]
    for name in ("model", "dead", "everywhere", "spectrum"):
        del earlier["mappings"]["properties"][name]
    client.indices.create(index=index, body=earlier)
    monkeypatch.setattr("splare_os.layout.statistics.INDEX", index)
    keep_statistics(client, "kept-f", "text_splare", kept())
    assert kept_statistics(client, ["kept-f"], "text_splare")["kept-f"].model == "tiny"


def test_a_gateways_404_does_not_say_that_nothing_is_kept() -> None:
    def refusing(error: str) -> OpenSearch:
        client = OpenSearch()
        client.mget = Mock(side_effect=NotFoundError(404, error, {}))
        return client

    assert kept_statistics(refusing(NO_INDEX), ["papers"], "text_splare") == {}
    with pytest.raises(StatisticsError, match="no such page"):
        kept_statistics(refusing("no such page"), ["papers"], "text_splare")


@pytest.mark.opensearch
def test_damaged_statistics_are_none_and_the_log_tells(
    client: OpenSearch, caplog: pytest.LogCaptureFixture
) -> None:
    keep_statistics(client, "kept-g", "text_splare", kept())
    client.update(index=INDEX, id="kept-g/text_splare", body={"doc": {"documents": None}})
    assert kept_statistics(client, ["kept-g"], "text_splare") == {}
    assert "statistics of index=kept-g are damaged" in caplog.text
