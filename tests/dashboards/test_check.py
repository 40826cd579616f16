"""Objects linted, and their requests run on a real cluster."""

import json
from dataclasses import replace

import pytest
from opensearchpy import OpenSearch, exceptions

from splare_os.dashboards import OfIndex, boards, objects_of
from splare_os.dashboards.check import check
from splare_os.dashboards.objects import vega


def test_a_fault_is_told_without_a_cluster() -> None:
    objects = objects_of(boards(None))
    assert check(objects) == []
    (finding, *_) = check([replace(objects[0], type="lens")])
    assert (finding.object, finding.is_fault) == (f"lens {objects[0].id}", True)


@pytest.mark.opensearch
def test_all_requests_pass_where_there_is_nothing_yet(client: OpenSearch, index: str) -> None:
    client.indices.create(index=index, body={"mappings": {"properties": {"at": {"type": "date"}}}})
    of = OfIndex(index, fingerprint="f", time_field="at", category_field="kind")
    found = check(objects_of(boards(of)), client)
    assert not [one for one in found if one.is_fault]
    assert any(f"nothing to draw in {index}" in one.told for one in found)


@pytest.mark.opensearch
def test_a_request_that_the_cluster_refuses_is_a_fault(client: OpenSearch, index: str) -> None:
    client.indices.create(index=index)
    (board, *_) = boards(None)
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"name": "a", "url": {"index": index, "body": {"aggs": {"a": {"nope": {}}}}}},
    }
    chart = vega(board.panels[1].object.id, "A", spec)
    assert json.loads(chart.attributes["visState"])["title"] == "A"
    (finding,) = check([chart], client)
    assert finding.is_fault
    assert "the cluster refuses its request" in finding.told


@pytest.mark.opensearch
def test_a_request_that_some_shards_refuse_is_a_fault(client: OpenSearch, index: str) -> None:
    for name, kind in (("a", "keyword"), ("b", "text")):
        mapping = {"mappings": {"properties": {"kind": {"type": kind}}}}
        client.indices.create(index=f"{index}-{name}", body=mapping)
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {
            "name": "a",
            "url": {"index": f"{index}-*", "body": {"aggs": {"a": {"terms": {"field": "kind"}}}}},
        },
    }
    (finding,) = check([vega("a", "A", spec)], client)
    assert finding.is_fault
    assert "shards refuse its request" in finding.told
    assert "fielddata" in finding.told


def test_a_cluster_that_does_not_answer_is_no_fault_of_objects() -> None:
    with (
        OpenSearch("http://127.0.0.1:1", max_retries=0) as nobody,
        pytest.raises(exceptions.ConnectionError),
    ):
        check(objects_of(boards(None)), nobody)
