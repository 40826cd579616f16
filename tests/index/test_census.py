from collections.abc import Callable

import pytest
from opensearchpy import TransportError

from splare_os.errors import BulkError, MappingError
from splare_os.index import IngestOptions, ingest
from splare_os.index.census import CensusOptions, take_census
from splare_os.layout.statistics import kept_statistics

FIELD = "text_splare"
LINES = [{"_id": str(n), "text": f"ants bees word{n}"} for n in range(20)]


@pytest.fixture
def filled(client, index, encoder, write: Callable[..., str]) -> str:
    for _ in ingest(client, encoder, [write(LINES)], IngestOptions(index)):
        pass
    return index


def test_ages_and_growths_are_not_below_0() -> None:
    for options in ({"max_age_s": -1.0}, {"max_growth": -0.1}):
        with pytest.raises(ValueError, match="give at least 0"):
            CensusOptions(**options)
    with pytest.raises(ValueError, match="sample=0: look at 1 to 10000 documents"):
        CensusOptions(sample=0)


@pytest.mark.opensearch
class TestOnACluster:
    def test_what_others_deleted_is_counted_out(self, client, filled) -> None:
        client.delete(index=filled, id="3", params={"refresh": "true"})
        assert kept_statistics(client, [filled], FIELD)[filled].statistics.documents == 20
        (census,) = take_census(client, filled)
        assert (census.index, census.field, census.documents) == (filled, FIELD, 19)
        assert (census.is_new, census.sampled, census.error) == (True, None, 0.0)
        assert kept_statistics(client, [filled], FIELD)[filled].statistics.documents == 19

    def test_young_statistics_are_left_until_the_documents_grow(self, client, filled) -> None:
        options = CensusOptions(max_age_s=3600)
        assert [census.is_new for census in take_census(client, filled, options)] == [False]
        for n in range(3):
            client.delete(index=filled, id=str(n), params={"refresh": "true"})
        assert [census.is_new for census in take_census(client, filled, options)] == [True]
        assert [census.is_new for census in take_census(client, filled, options)] == [False]
        old = CensusOptions(max_age_s=0)
        assert [census.is_new for census in take_census(client, filled, old)] == [True]

    @pytest.mark.usefixtures("four_tries")
    def test_what_a_busy_cluster_refuses_is_asked_again(self, client, filled, monkeypatch) -> None:
        send, refused = client.transport.perform_request, list[str]()

        def busy(method: str, url: str, **given: object) -> object:
            if url not in refused and len(refused) < 3:
                refused.append(url)
                raise TransportError(429 if len(refused) % 2 else 503, "busy", {})
            return send(method, url, **given)

        monkeypatch.setattr(client.transport, "perform_request", busy)
        (census,) = take_census(client, filled)
        assert (census.documents, census.is_new) == (20, True)
        assert len(refused) == 3

    @pytest.mark.usefixtures("four_tries")
    def test_a_cluster_that_stays_busy_is_told(self, client, filled, monkeypatch) -> None:
        def busy(*_: object, **__: object) -> object:
            raise TransportError(429, "busy", {})

        monkeypatch.setattr(client.transport, "perform_request", busy)
        with pytest.raises(BulkError, match=r"refuses: .*429.*busy.*run the same command again"):
            list(take_census(client, filled))

    def test_a_sample_tells_its_error(self, client, filled) -> None:
        (census,) = take_census(client, filled, CensusOptions(sample=10))
        assert (census.documents, census.sampled) == (20, 10)
        assert census.error == pytest.approx(3.1464)

    def test_every_index_and_field_has_its_own(self, client, filled, encoder, write) -> None:
        other = f"{filled}-2"
        for _ in ingest(client, encoder, [write(LINES[:4], "b.jsonl")], IngestOptions(other)):
            pass
        found = {one.index: one.documents for one in take_census(client, f"{filled}*")}
        assert found == {filled: 20, other: 4}

    def test_an_index_without_impacts_is_told(self, client, index) -> None:
        client.indices.create(index=index)
        with pytest.raises(MappingError, match="has no impacts: make"):
            list(take_census(client, index))
        with pytest.raises(MappingError, match="no index 'nowhere'"):
            list(take_census(client, "nowhere"))

    def test_another_field_is_told(self, client, filled) -> None:
        with pytest.raises(MappingError, match="has no impacts of 'body'"):
            list(take_census(client, filled, CensusOptions(text_field="body")))
