"""Indices with planted problems, each found, and nothing where there is none."""

from collections.abc import Callable
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.documents import Fields
from splare_os.errors import MappingError
from splare_os.index import IngestOptions, ingest
from splare_os.index.removal import remove_impacts
from splare_os.layout.statistics import INDEX as STATISTICS
from splare_os.search.doctor.finding import Finding
from splare_os.search.doctor.index_findings import index_findings
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

OTHER = HashEncoder(fingerprint="fedcba9876543210")


@pytest.fixture
def fill(client: OpenSearch, write: Callable[..., str], tmp_path: Path) -> Callable[..., None]:
    def filled(index: str, encoder: HashEncoder, **options: object) -> None:
        lines = [{"_id": "a", "text": "oil"}, {"_id": "b", "text": "war of oil"}]
        wanted = IngestOptions(index, state_folder=tmp_path, **options)
        assert len(list(ingest(client, encoder, [write(lines)], wanted))) == 2
        client.indices.refresh(index=index)

    return filled


def problems(client: OpenSearch, index: str, encoder: HashEncoder | None) -> list[Finding]:
    return [each for each in index_findings(client, index, encoder) if each.status != "ok"]


def test_an_index_in_which_all_is_well(client: OpenSearch, index: str, fill: Callable) -> None:
    fill(index, HashEncoder())
    found = list(index_findings(client, index, HashEncoder()))
    assert {each.status for each in found} == {"ok"}, found
    told = [each.found for each in found]
    assert f"{index}/text_splare: by hash (0123456789abcdef)" in told
    assert "2 of 2 documents have impacts" in told
    assert any(text.startswith("statistics of 2 documents") for text in told)
    assert any(text.endswith("segments") for text in told)


def test_documents_without_impacts_and_old_statistics(
    client: OpenSearch, index: str, fill: Callable
) -> None:
    fill(index, HashEncoder())
    client.index(index=index, body={"text": "bare"}, refresh=True)
    bare, old = problems(client, index, HashEncoder())
    assert (bare.status, bare.found) == ("warning", "2 of 3 documents have impacts")
    assert f"splare-os backfill --index {index} --text-field text" in bare.remedy
    assert old.found.endswith("; now there are 3")
    client.delete(index=STATISTICS, id=f"{index}/text_splare", refresh=True)
    assert "no statistics" in problems(client, index, HashEncoder())[1].found


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        (Fields(), "--text-field text"),
        (Fields(title=None), "--text-field text --title-field ''"),
        (Fields(title="a b"), "--text-field text --title-field 'a b'"),
        (Fields(template="{a}: {text}"), "--text-field text --template '{a}: {text}'"),
        (Fields(impacts="x_splare"), "--text-field text --impacts-field x_splare"),
    ],
)
def test_what_lacks_impacts_is_to_get_them_of_the_same_texts(
    client: OpenSearch, index: str, fill: Callable, fields: Fields, options: str
) -> None:
    fill(index, HashEncoder(), fields=fields)
    client.index(index=index, body={"text": "bare"}, refresh=True)
    assert problems(client, index, None)[0].remedy.endswith(f" --index {index} {options}")


def test_an_index_without_impacts_and_one_that_is_not_there(client: OpenSearch, index: str) -> None:
    client.indices.create(index=index)
    (finding,) = problems(client, index, None)
    assert (finding.status, finding.found) == ("warning", "no field has impacts")
    (finding,) = problems(client, f"{index}-nowhere", None)
    assert finding.status == "failure"
    assert "no index" in finding.found


def test_what_an_interrupted_removal_has_left(
    client: OpenSearch, index: str, fill: Callable
) -> None:
    fill(index, HashEncoder())
    removing = remove_impacts(client, index, "text_splare", grace_s=0.0, page_documents=1)
    next(removing)
    removing.close()
    client.indices.refresh(index=index)
    left = problems(client, index, HashEncoder())[-1]
    assert (left.check, left.status) == (f"{index}/text_splare", "warning")
    assert left.found == "1 documents hold impacts, and no record says which model made them"
    again = f"splare-os remove-impacts --index {index} --impacts-field text_splare"
    assert again in left.remedy
    with pytest.raises(MappingError, match=again):
        fill(index, HashEncoder())
    list(remove_impacts(client, index, "text_splare", grace_s=0.0))
    (bare,) = problems(client, index, HashEncoder())
    assert bare.found == "no field has impacts"


def test_a_cluster_without_indices_is_well(client: OpenSearch, index: str) -> None:
    (finding,) = problems(client, f"{index}-*", HashEncoder())
    assert (finding.status, finding.found) == ("warning", "there is no index yet")


def test_the_indices_of_a_data_stream_are_looked_at(client: OpenSearch, index: str) -> None:
    body = {"index_patterns": [index], "data_stream": {}, "priority": 9}
    client.indices.put_index_template(name=index, body=body)
    client.indices.create_data_stream(name=index)
    try:
        (finding,) = problems(client, index, HashEncoder())
        assert finding.check.startswith(f".ds-{index}-")
        assert finding.found == "no field has impacts"
    finally:
        client.indices.delete_data_stream(name=index)
        client.indices.delete_index_template(name=index)


def test_impacts_of_another_model(client: OpenSearch, index: str, fill: Callable) -> None:
    fill(index, OTHER)
    (finding,) = problems(client, index, HashEncoder())
    assert (finding.check, finding.status) == ("model", "failure")
    assert "by hash (fedcba9876543210), not hash (0123456789abcdef)" in finding.found
    fill(f"{index}-new", HashEncoder())
    (finding,) = problems(client, f"{index}*", HashEncoder())
    assert (finding.check, finding.status) == ("model", "warning")
    assert finding.remedy.startswith("a search has to name indices of one model")
    (finding,) = problems(client, f"{index},{index}-new", HashEncoder())
    assert (finding.check, finding.status) == ("model", "failure")  # each search is refused
    assert problems(client, index, None) == []


def test_impacts_of_another_model_beside_those_of_the_one_that_searches(
    client: OpenSearch, index: str, fill: Callable
) -> None:
    fill(index, HashEncoder())
    fill(index, OTHER, fields=Fields(impacts="text_2_splare"))
    (finding,) = problems(client, index, HashEncoder())
    assert (finding.check, finding.status) == ("model", "warning")
    assert finding.remedy.startswith("searches by hash pass them over")


def test_impacts_behind_one_alias_that_are_made_of_different_texts(
    client: OpenSearch, index: str, fill: Callable
) -> None:
    for name, template in (("1", None), ("2", "{text}"), ("3", None)):
        fill(f"{index}-{name}", HashEncoder(), fields=Fields(template=template))
        client.indices.put_alias(index=f"{index}-{name}", name=index)
    (finding,) = problems(client, index, HashEncoder())
    assert (finding.check, finding.status) == ("texts", "warning")
    alike = f"{index}-1/text_splare, {index}-3/text_splare: of title + text"
    assert finding.found.endswith(f": {alike}; {index}-2/text_splare: of {{text}}")
    assert problems(client, f"{index}-*", HashEncoder()) == []  # not asked together


def test_impacts_behind_one_alias_that_are_stored_in_different_ways(
    client: OpenSearch, index: str, fill: Callable
) -> None:
    for name, scoring in (("1", "calibrated"), ("2", "dot")):
        fill(f"{index}-{name}", HashEncoder(), scoring=scoring)
        client.indices.put_alias(index=f"{index}-{name}", name=index)
    (finding,) = problems(client, index, HashEncoder())
    assert (finding.check, finding.status) == (index, "failure")
    assert "store impacts differently" in finding.found
    assert f"{index}-1: Saturation(" in finding.found
    assert finding.remedy == "index the older ones anew, or search one of a kind"
    assert problems(client, f"{index}-*", HashEncoder()) == []  # not asked together


def test_shards_that_are_down_are_told_and_no_proxy_is_suspected(
    client: OpenSearch, index: str, fill: Callable, with_one_down: Callable[[str], str]
) -> None:
    fill(index, HashEncoder())
    found = problems(client, with_one_down(index), HashEncoder())
    assert {each.check.partition("/")[0] for each in found} == {f"{index}-down"}
    assert (found[-1].status, found[-1].found) == ("failure", "1 of 1 shards do not answer")


def test_a_compact_index_and_one_of_several_shards(
    client: OpenSearch, index: str, fill: Callable
) -> None:
    fill(index, HashEncoder(), compact=True, settings={"number_of_shards": "2"})
    compact, shards = problems(client, index, HashEncoder())
    assert "compact" in compact.found
    assert shards.found == "2 shards"


def test_settings_that_are_too_small_and_pipelines_that_are_not_there(
    client: OpenSearch, index: str, fill: Callable
) -> None:
    fill(index, HashEncoder())
    settings = {
        "index.max_result_window": 50,
        "index.max_rescore_window": 100,
        "index.default_pipeline": "nowhere",
        "index.search.default_pipeline": "nowhere",
    }
    client.indices.put_settings(index=index, body=settings)
    found = problems(client, index, HashEncoder())
    # without the search pipeline documents cannot be counted
    assert [each.status for each in found] == ["warning"] * 2 + ["failure"] * 4
    assert [each.found for each in found[2:]] == [
        "index.max_result_window is 50",
        "index.max_rescore_window is 100",
        "index.default_pipeline is nowhere, and is not there",
        "index.search.default_pipeline is nowhere, and is not there",
    ]


def test_a_mapping_or_a_record_that_does_not_fit(
    client: OpenSearch, index: str, fill: Callable
) -> None:
    fill(index, HashEncoder())
    meta = client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]
    floats = {"text_splare": {"properties": {"impacts": {"type": "object"}}}}
    body = {"mappings": {"_meta": meta, "properties": floats}}
    client.indices.create(index=f"{index}-mapped", body=body)
    found = problems(client, f"{index}-mapped", None)
    assert (found[0].status, found[0].found) == (
        "failure",
        "impacts are mapped as object, not rank_features",
    )
    meta["splare"]["text_splare"]["layout"] = 99
    client.indices.put_mapping(index=index, body={"_meta": meta})
    (finding,) = problems(client, index, None)
    assert finding.status == "failure"
    assert "layout 99" in finding.found + finding.remedy
