"""The cut of a job: asked for, recorded in the index, or the encoder's own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.encoder import Encoder
from splare_os.index import IngestOptions, IngestRun, ingest
from splare_os.layout import read_records
from splare_os.search import SearchOptions, search
from tests.hashing import CutEncoder, HashEncoder

CORPUS = [{"_id": f"d{n}", "text": f"ants carry leaves n{n}"} for n in range(40)]
"""More than can be on their way at once: a run that is stopped early has some left."""

Start = Callable[..., IngestRun]


@pytest.fixture
def start(client: OpenSearch, index: str, tmp_path: Path, write: Callable[..., str]) -> Start:
    """Make a run of the same source by an encoder, and a cut that may be asked for."""
    source = write(CORPUS)

    def ingesting(
        encoder: Encoder, top_k: int | None = None, mass: float | None = None
    ) -> IngestRun:
        options = IngestOptions(
            index, top_k=top_k, mass=mass, chunk_documents=2, state_folder=str(tmp_path)
        )
        return ingest(client, encoder, [source], options)

    return ingesting


def recorded(client: OpenSearch, index: str) -> int:
    return read_records(client, index)[index]["text_splare"].top_k


def statuses(run: IngestRun) -> set[str]:
    return {outcome.status for outcome in run}


@pytest.mark.opensearch
def test_a_new_index_records_the_encoders_own_cut(
    client: OpenSearch, index: str, start: Start
) -> None:
    assert statuses(start(CutEncoder())) == {"indexed"}
    assert recorded(client, index) == 2
    assert statuses(start(CutEncoder(), top_k=2)) == {"unchanged"}


@pytest.mark.opensearch
def test_an_index_with_a_larger_cut_in_its_record_is_searched_and_unchanged(
    client: OpenSearch, index: str, start: Start
) -> None:
    hits = {"size": 99, "sort": "_id"}
    assert statuses(start(HashEncoder())) == {"indexed"}
    before = client.search(index=index, body=hits)["hits"]["hits"]
    assert statuses(start(CutEncoder())) == {"unchanged"}
    assert client.search(index=index, body=hits)["hits"]["hits"] == before
    assert recorded(client, index) == 400
    assert len(search(client, CutEncoder(), index, "ants", SearchOptions(size=99))) == 40


@pytest.mark.opensearch
def test_a_job_with_a_larger_cut_goes_on_where_it_stopped(
    client: OpenSearch, index: str, start: Start
) -> None:
    outcomes = iter(start(HashEncoder()))
    for _ in range(3):
        next(outcomes)
    outcomes.close()
    run = start(CutEncoder())
    assert statuses(run) == {"indexed"}
    assert run.n_done_before >= 3
    assert run.counts["indexed"] == len(CORPUS)
    assert recorded(client, index) == 400


@pytest.mark.opensearch
def test_a_cut_that_was_asked_for_once_stays(client: OpenSearch, index: str, start: Start) -> None:
    list(start(CutEncoder()))
    assert statuses(start(CutEncoder(), top_k=1)) == {"indexed"}
    assert statuses(start(CutEncoder())) == {"unchanged"}
    assert recorded(client, index) == 1
    assert client.get(index=index, id="d1")["_source"]["text_splare"]["count"] == 1


@pytest.mark.opensearch
def test_a_mass_keeps_the_heaviest_impacts(client: OpenSearch, index: str, start: Start) -> None:
    list(start(HashEncoder()))
    before = client.get(index=index, id="d1")["_source"]["text_splare"]
    assert statuses(start(HashEncoder(), mass=0.5)) == {"indexed"}
    assert statuses(start(HashEncoder())) == {"unchanged"}
    after = client.get(index=index, id="d1")["_source"]["text_splare"]
    kept = list(before["impacts"])[: after["count"]]
    assert list(after["impacts"]) == kept
    assert 0.5 <= after["length"] / before["length"] < 1
    assert statuses(start(HashEncoder(), mass=1)) == {"indexed"}
    assert client.get(index=index, id="d1")["_source"]["text_splare"] == before


def test_more_than_the_encoder_gives_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    source = tmp_path / "docs.jsonl"
    source.write_text("")
    with (
        OpenSearch("http://127.0.0.1:9", max_retries=0) as nobody,
        pytest.raises(ValueError, match="top_k=3: the model 'hash' gives at most 2 impacts"),
    ):
        ingest(nobody, CutEncoder(), [str(source)], IngestOptions("x", top_k=3))
