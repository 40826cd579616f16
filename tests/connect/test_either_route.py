"""One index by either route: what OpenSearch asks for itself, against worker and client."""

import json
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.connect import Route
from splare_os.encode import load_encoder
from splare_os.encoder import Encoder
from splare_os.index import IngestOptions, ingest
from splare_os.index.census import CensusOptions, take_census
from splare_os.search import SplareOpenSearch

from .conftest import Http

pytestmark = [pytest.mark.slow, pytest.mark.opensearch]

N_DOCUMENTS, N_QUERIES = 1000, 100
ODD = [
    {"_id": "empty", "title": "", "text": " \u2003\n"},
    {"_id": "none", "n": 1},
    {"_id": "placeholder", "text": "$${parameters.input} ${parameters.x:-y} ${parameters} ${z"},
    {"_id": "many", "title": "Ants", "text": ["carry", ["leaves", None], "\u00a0home "]},
]
ROUNDING = 2**-8
"""A float32 that differs in its last bit may be kept as the next of 9 significant bits."""


@pytest.fixture(scope="module")
def documents(sample: list[dict]) -> list[dict]:
    return sample[:N_DOCUMENTS] + ODD


@pytest.fixture(scope="module")
def native(http: Http, route: Route, documents: list[dict]) -> str:
    """The index, filled by one bulk request of plain text."""
    assert {item["_index"] for item in http.bulk("native", documents)} == {"native"}
    return "native"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """As the server has it."""
    return load_encoder("mini", dtype="float32")


@pytest.fixture(scope="module")
def splare(ml_url: str, encoder: Encoder):
    with SplareOpenSearch(ml_url, encoder=encoder, timeout=120) as client:
        yield client


def test_either_route_stores_the_same(
    splare: SplareOpenSearch, encoder: Encoder, native: str, documents: list[dict], tmp_path: Path
) -> None:
    file = tmp_path / "documents.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in documents))
    options = IngestOptions("worker", state_folder=tmp_path / "state")
    outcomes = ingest(splare, encoder, [str(file)], options)
    assert [one.reason for one in outcomes if one.status == "dead"] == []
    theirs, ours = (_sources(splare, index, documents) for index in (native, "worker"))
    unequal = [name for name in ours if theirs[name] != ours[name]]
    print(f"{len(unequal)} of {len(ours)} differ by rounding")
    assert len(unequal) <= len(ours) / 50
    for name in unequal:
        _assert_equal_but_for_rounding(theirs[name], ours[name])


def test_what_ml_commons_would_fill_in_is_a_text_as_any_other(
    splare: SplareOpenSearch, http: Http, native: str
) -> None:
    for text in ("${parameters.input}", "ants ${parameters.x:-carry} leaves", 'a "\\" \n $1'):
        _assert_equal_hits(splare, http, native, text)


def _sources(client: OpenSearch, index: str, documents: list[dict]) -> dict[str, dict]:
    ids = [one["_id"] for one in documents]
    reply = client.mget(index=index, body={"ids": ids}, params={"_source_includes": "*"})
    return {one["_id"]: one["_source"] for one in reply["docs"]}


def _assert_equal_but_for_rounding(native: dict, ours: dict) -> None:
    rounded = {"impacts", "latents", "length"}
    first, second = native["text_splare"], ours["text_splare"]
    assert native | {"text_splare": 0} == ours | {"text_splare": 0}
    for key in first.keys() - rounded | second.keys() - rounded:
        assert first[key] == second[key]
    assert first["length"] == pytest.approx(second["length"], rel=ROUNDING)
    assert first["impacts"] == pytest.approx(second["impacts"], rel=ROUNDING)


def test_either_route_finds_the_same(
    splare: SplareOpenSearch, http: Http, native: str, documents: list[dict]
) -> None:
    assert len(list(take_census(splare, native, CensusOptions()))) == 1
    for one in documents[:N_QUERIES]:
        _assert_equal_hits(splare, http, native, one["text"][:80])


def _assert_equal_hits(client: SplareOpenSearch, http: Http, index: str, text: str) -> None:
    body = {"query": {"splare": {"text": text}}, "size": 10}
    ours = client.search(index=index, body=body)["hits"]["hits"]
    plain = {"neural_sparse": {"text_splare.impacts": {"query_text": text}}}
    status, reply = http("POST", f"/{index}/_search", {"query": plain, "size": 10})
    assert status == 200, reply
    native = reply["hits"]["hits"]
    assert len(ours) == 10
    assert [hit["_id"] for hit in native] == [hit["_id"] for hit in ours]
    assert [hit["_score"] for hit in native] == pytest.approx([hit["_score"] for hit in ours])
