from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.documents.fields import Fields
from splare_os.errors import MappingError
from splare_os.index import IngestOptions
from splare_os.layout.records import find_impacts
from splare_os.search.contrast.sides import Documents, Overlap, Side, read_sides
from splare_os.search.hits.reading import Reader
from tests.hashing import HashEncoder

from ..filling import fill

pytestmark = pytest.mark.opensearch

TEXTS = {"a": "oil price", "b": "oil", "c": "river", "d": "oil war"}


@pytest.fixture
def reader(client: OpenSearch, index: str, tmp_path: Path) -> Reader:
    encoder = HashEncoder()
    fill(client, encoder, IngestOptions(index, state_folder=tmp_path), TEXTS, tmp_path)
    there = find_impacts(client, index, Fields("text", None), encoder)
    return Reader(client, encoder, index, there)


def sides(reader: Reader, a: Documents, b: Documents, overlap: Overlap = "refuse") -> list[Side]:
    return [side for _, side in read_sides(reader, (a, b), 10, seed=0, overlap=overlap)]


@pytest.mark.parametrize(
    "oil",
    [
        "oil",
        "text:oil AND NOT text:bridge",
        {"match": {"text": "oil"}},
        ["a", "b", "d", "a"],
        {"splare": {"text": "oil"}},
    ],
)
def test_a_set_is_a_query_string_a_query_or_ids(reader: Reader, oil: Documents) -> None:
    (a, side), (b, _) = read_sides(reader, (oil, ["c"]), 10, seed=0, overlap="refuse")
    assert sorted(name for _, name in a.keys) == ["a", "b", "d"]
    assert [name for _, name in b.keys] == ["c"]
    assert side == Side(documents=3, total=3, unknown=0, shared=0, missing=0)


def test_ids_that_are_not_there_are_counted(reader: Reader) -> None:
    assert sides(reader, ["a", "x", "y"], ["c"])[0] == Side(1, 1, 0, 0, 2)


def test_sets_that_overlap_are_refused_or_lose_what_they_share(reader: Reader) -> None:
    with pytest.raises(ValueError, match=r"1 documents are in both sets \(d\): .*--drop-overlap"):
        sides(reader, "oil", "war OR river")
    a, b = sides(reader, "oil", "war OR river", "drop")
    assert (a, b) == (Side(2, 3, 0, 1, 0), Side(1, 2, 0, 1, 0))
    with pytest.raises(ValueError, match="set B has no documents: 1 match .* 1 are in the other"):
        sides(reader, "oil", "war", "drop")


@pytest.mark.parametrize("nothing", ["zebra", [], ["x"], {"match_none": {}}])
def test_an_empty_set_is_a_mistake(reader: Reader, nothing: Documents) -> None:
    with pytest.raises(ValueError, match="set A has no documents: 0 match"):
        sides(reader, nothing, "oil")


def test_a_set_whose_documents_nobody_encoded_is_told(reader: Reader) -> None:
    reader.client.index(index=reader.index, id="z", body={"text": "zebra"}, refresh=True)
    with pytest.raises(MappingError, match="the 1 documents of set B have no impacts.*backfill"):
        sides(reader, "oil", "zebra")


def test_more_ids_than_a_server_returns_are_refused(reader: Reader) -> None:
    with pytest.raises(ValueError, match="10001 ids: give at most 10000"):
        sides(reader, [str(n) for n in range(10_001)], "oil")
