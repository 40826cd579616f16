"""Each way to search that docs/search.md lists, done against a real server."""

import importlib
import json
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import NotFoundError, OpenSearch, RequestError, helpers

from splare_os.search import Fusion, SplareOpenSearch, hybrid

from . import ways
from .conftest import Library
from .ways import BODY, CLAUSE, GUARDED, LEAST, QUERY, UNKNOWN, Way

Check = Callable[[SplareOpenSearch, Way], None]

DOCS = Path(__file__).parents[2] / "docs" / "search.md"
TABLE = DOCS.read_text(encoding="utf-8").partition("\n## What an application does\n")[2]
ROWS = re.findall(r"^\| (.+?) \| .+ \|$", TABLE.partition("\n## ")[0], re.MULTILINE)[1:]


def rescore(client: SplareOpenSearch, way: Way) -> None:
    anew = {"rescore_query": CLAUSE, "query_weight": 0}
    everything = {"query": {"match_all": {}}, "size": 60}
    body = {**everything, "rescore": {"window_size": 100, "query": anew}}
    hits = client.search(index="library", body=body)["hits"]["hits"]
    assert {hit["_id"]: hit["_score"] for hit in hits if hit["_score"]} == pytest.approx(
        way.scores, rel=1e-5
    )
    twice = {"window_size": 100, "query": {"rescore_query": {"match_all": {}}}}
    hits = client.search(index="library", body={**BODY, "rescore": twice})["hits"]["hits"]
    assert {hit["_id"]: hit["_score"] - 1 for hit in hits} == pytest.approx(way.scores, rel=1e-4)


def percolate(client: SplareOpenSearch, way: Way) -> None:
    ways.copied(client, way, alert={"type": "percolator"})
    update = {"doc": {"alert": {"match": {"text": "strike"}}}}
    way.client.update(index=way.index, id="d2", body=update, params={"refresh": "true"})
    alerts = {"percolate": {"field": "alert", "document": {"text": "a strike"}}}
    body = {"query": {"bool": {"must": [CLAUSE], "filter": [alerts]}}}
    (hit,) = client.search(index=way.index, body=body)["hits"]["hits"]
    assert hit["_id"] == "d2"
    with pytest.raises(RequestError, match=UNKNOWN):
        client.index(index=way.index, body={"alert": CLAUSE})


def rank_eval(client: SplareOpenSearch, way: Way) -> None:
    requests = [{"id": "q", "request": {"query": CLAUSE}, "ratings": []}]
    with pytest.raises(RequestError, match=UNKNOWN):
        client.rank_eval(index="library", body={"requests": requests, "metric": {"precision": {}}})


def profile(client: SplareOpenSearch, way: Way) -> None:
    reply = client.search(index="library", body={**BODY, "profile": True, "explain": True})
    way.expect(reply)
    assert reply["profile"]["shards"]
    first = reply["hits"]["hits"][0]
    assert first["_explanation"]["value"] == pytest.approx(first["_score"])


def explain(client: SplareOpenSearch, way: Way) -> None:
    best = max(way.scores, key=way.scores.__getitem__)
    reply = client.explain(index="library", id=best, body={"query": CLAUSE})
    assert reply["explanation"]["value"] == pytest.approx(way.scores[best], rel=1e-5)


def validate(client: SplareOpenSearch, way: Way) -> None:
    assert client.indices.validate_query(index="library", body={"query": CLAUSE})["valid"] is True


def by_query(client: SplareOpenSearch, way: Way) -> None:
    ways.copied(client, way)
    ours = [name for name in map("d{}".format, range(10)) if name in way.scores]
    count = client.count(index=way.index, body={"query": GUARDED})["count"]
    assert 0 < count <= len(ours)
    body = {"query": GUARDED}
    params = {"refresh": "true"}
    assert client.update_by_query(index=way.index, body=body, params=params)["updated"] == count
    assert client.delete_by_query(index=way.index, body=body, params=params)["deleted"] == count
    assert client.count(index=way.index)["count"] == 10 - count
    for method in (client.count, client.update_by_query, client.delete_by_query):
        with pytest.raises(ValueError, match="give it a min_score"):
            method(index=way.index, body={"query": CLAUSE})


def fused(client: SplareOpenSearch, way: Way) -> None:
    latents = Fusion("weighted", weights=(0.0, 1.0))
    body = hybrid({"match": {"content": QUERY}}, QUERY, fusion=latents) | {"size": 60}
    hits = client.search(index="library", body=body)["hits"]["hits"]
    by_score = sorted(way.scores.values(), reverse=True)
    found = [way.scores[hit["_id"]] for hit in hits]
    assert found[:50] == pytest.approx(by_score[:50], rel=1e-5)  # the last of all gets 0.001
    some = hybrid({"match": {"content": QUERY}}, QUERY, filter=GUARDED) | {"size": 60}
    hits = client.search(index="library", body=some)["hits"]["hits"]
    n_matching = sum(score >= LEAST for score in way.scores.values())
    assert len(hits) == n_matching
    with pytest.raises(ValueError, match="give it a min_score"):
        client.search(index="library", body=hybrid({"match_all": {}}, QUERY, filter=CLAUSE))


def not_rewritten(client: SplareOpenSearch, way: Way) -> None:
    highlight = {"fields": {"text": {}}, "highlight_query": CLAUSE}
    vector = {"vector": [1.0], "k": 1, "filter": CLAUSE}
    copy = {"source": {"index": "library", "query": CLAUSE}, "dest": {"index": way.index}}
    rare = {"significant_terms": {"field": "group", "background_filter": CLAUSE}}
    sort = {"group": {"order": "asc", "nested": {"path": "tags", "filter": CLAUSE}}}
    wrapped = {"wrapper": {"query": b64encode(json.dumps(CLAUSE).encode()).decode()}}
    processors = {"request_processors": [{"filter_query": {"query": CLAUSE}}]}
    index_filter = {"index_filter": CLAUSE}
    asked: list[Callable[[], Any]] = [
        lambda: client.reindex(body=copy),
        lambda: client.indices.put_alias(index="library", name="some", body={"filter": CLAUSE}),
        lambda: client.search(index="library", body={"highlight": highlight}),
        lambda: client.search(index="library", body={"query": {"knn": {"v": vector}}}),
        lambda: client.search(index="library", body={"aggs": {"rare": rare}}),
        lambda: client.search(index="library", body={"sort": [sort]}),
        lambda: client.search(index="library", body={"query": {"template": CLAUSE}}),
        lambda: client.search(index="library", body={"query": wrapped}),
        lambda: client.search(index="library", body={"search_pipeline": processors}),
        lambda: client.field_caps(index="library", fields="group", body=index_filter),
    ]
    for ask in asked:
        with pytest.raises(RequestError, match=f"{UNKNOWN}|filter for alias"):
            ask()


def names(client: SplareOpenSearch, way: Way) -> None:
    client.indices.put_alias(index="library", name="shelf-of-ways")
    try:
        for name in ("shelf-of-ways", "librar*", "library,shelf-of-ways", ["library"]):
            way.expect(client.search(index=name, body=BODY))
        only = {"query": {"bool": {"must": [CLAUSE], "filter": [{"term": {"_index": "library"}}]}}}
        other = {**only, "size": 60, "indices_boost": [{"library": 1.0}]}
        way.expect(client.search(index="library,library", body=other))
    finally:
        client.indices.delete_alias(index="library", name="shelf-of-ways")


def data_stream(client: SplareOpenSearch, way: Way) -> None:
    mappings = way.client.indices.get_mapping(index="library")["library"]["mappings"]
    template = {"mappings": mappings, "settings": {"number_of_replicas": 0}}
    body = {"index_patterns": [way.index], "data_stream": {}, "template": template}
    way.client.indices.put_index_template(name=way.index, body=body)
    try:
        way.client.indices.create_data_stream(name=way.index)
        for hit in helpers.scan(way.client, index="library"):
            source = hit["_source"] | {"@timestamp": datetime.now(UTC).isoformat()}
            way.client.create(index=way.index, id=hit["_id"], body=source)
        way.client.indices.refresh(index=way.index)
        reply = client.search(index=way.index, body={**BODY, "size": 100})
        hits = reply["hits"]["hits"]
        assert {hit["_id"] for hit in hits} == way.scores.keys()
        assert hits[0]["_index"].startswith(f".ds-{way.index}")
    finally:
        way.client.indices.delete_data_stream(name=way.index)
        way.client.indices.delete_index_template(name=way.index)


def dated(client: SplareOpenSearch, way: Way) -> None:
    name = f"{way.index}-{datetime.now(UTC):%Y.%m.%d}"
    client.indices.put_alias(index="library", name=name)
    try:
        way.expect(client.search(index=f"<{way.index}-{{now/d}}>", body=BODY))
    finally:
        client.indices.delete_alias(index="library", name=name)


def missing(client: SplareOpenSearch, way: Way) -> None:
    with pytest.raises(NotFoundError):
        client.search(index="nowhere", body=BODY)
    assert client.search(index="nowhere", body=BODY, params={"ignore": 404})["status"] == 404
    lines = [{"index": "nowhere"}, BODY, {"index": "library"}, BODY]
    lost, found = client.msearch(body=lines)["responses"]
    assert lost["status"] == 404
    way.expect(found)


CHECKS: dict[str, Check | str] = {
    "`highlight` of type `splare`": (
        "highlight.test_highlight.test_every_wide_mark_is_a_whole_word_and_holds_such_a_span"
    ),
    "`ext.splare.explain`": (
        "highlight.test_annotate.test_shares_add_up_to_the_score_and_spans_are_those_of_the_encoder"
    ),
    "`ext.splare.two_step`": "clause.test_translation.test_what_two_steps_find_has_its_exact_score",
    "a highlight of type `splare`, or an explanation, with `scroll`, `filter_path` or `q`; "
    "a highlight of inner or top hits": ("highlight.test_asked.test_replies_in_parts_are_refused"),
    "`search`": ways.search,
    "`msearch`, with blank header lines and a last header without a body too": ways.msearch,
    "one search of an `msearch` that is refused here": (
        "request.test_refused.test_one_search_that_is_refused_is_an_error_among_replies"
    ),
    "a search template": ways.template,
    "scroll, `helpers.scan`": ways.scroll,
    "a point in time": ways.point_in_time,
    "`search_after`": ways.search_after,
    "`collapse`": ways.collapse,
    "`nested`, with `inner_hits`": ways.nested,
    "`has_child`, `has_parent`, with `inner_hits`": ways.joined,
    "`boosting`, `dis_max`, `function_score`, `script_score`": ways.compounds,
    "aggregations with hits (`top_hits`), a sampler of the best": ways.aggregations,
    "`filter`, `filters`, `adjacency_matrix` aggregations, `post_filter`": ways.selecting,
    "`constant_score`, the negative part of `boosting`, the filter of a function": (
        ways.selecting_compounds
    ),
    "`rescore`": rescore,
    "`percolate`": percolate,
    "`rank_eval`": rank_eval,
    "`profile`, `explain` of hits": profile,
    "the `_explain` of one document": explain,
    "`validate_query`": validate,
    "`count`, `delete_by_query`, `update_by_query`": by_query,
    "`hybrid` with a search pipeline": fused,
    "the query of a `_reindex`, alias filters, `highlight_query`, the filter of `knn`, of a nested "
    "sort and of a search pipeline, `background_filter`, `index_filter`, `template` and `wrapper` "
    "queries": not_rewritten,
    "several names, aliases, wildcards": names,
    "no name, or `_all`": (
        "weigh.test_check.test_all_indices_are_those_that_have_the_field_however_they_are_named"
    ),
    "`ignore_unavailable`, `allow_no_indices`, `expand_wildcards`": (
        "weigh.test_check.test_indices_that_are_not_there_are_passed_over_where_the_request_says_so"
    ),
    "a data stream": data_stream,
    "a name with a date (`<logs-{now/d}>`)": dated,
    "an alias that moves to an index of another model": (
        "client.test_drop_in.test_an_alias_that_moves_to_another_model_is_noticed_at_once"
    ),
    "an index that is deleted, and made anew by another model under its name": (
        "client.test_moved.test_a_name_that_was_away_is_looked_at_anew"
    ),
    "an index without impacts among others": (
        "client.test_drop_in.test_an_index_without_impacts_is_refused_or_passed_over_with_a_warning"
    ),
    '`send_get_body_as="source"`': (
        "client.test_drop_in.test_a_body_that_was_to_be_a_parameter_is_sent_as_a_body"
    ),
    "a transport class of its own, also one that only pretends": (
        "request.test_request.test_a_transport_that_only_pretends_is_given_what_the_client_gives"
    ),
    "an index of another cluster (`other:papers`)": (
        "weigh.test_check.test_an_index_of_another_cluster_is_refused_in_our_words"
    ),
    "an index that is not there": missing,
    "a body as dict, str, bytes, `Search`, with `Q(…)`, `AttrDict`, tuples, numbers of numpy, or "
    "`None`": "client.test_drop_in.test_a_body_may_be_whatever_the_client_takes",
    "parameters in the address of a raw request (`/papers/_search?_source=title`), the body as the "
    "parameter `source`": (
        "request.test_request.test_parameters_of_an_address_say_what_parameters_say"
    ),
    "text that is no JSON, what JSON cannot hold": (
        "client.test_drop_in.test_what_is_no_json_is_for_the_server_to_say"
    ),
    "a token by request (`headers`)": (
        "weigh.test_check.test_a_mapping_is_read_again_for_other_options_and_other_credentials_alone"
    ),
}
"""Each row of the table, and what tests it: a check of this file, or a test of another."""


def test_each_row_of_the_table_has_a_test_and_each_test_a_row() -> None:
    assert list(CHECKS) == ROWS
    for check in CHECKS.values():
        if isinstance(check, str):
            module, _, name = check.rpartition(".")
            assert hasattr(importlib.import_module(f"tests.search.{module}"), name), check


@pytest.mark.opensearch
@pytest.mark.parametrize("row", [row for row, check in CHECKS.items() if callable(check)])
def test_a_way_to_search(
    splare: SplareOpenSearch, client: OpenSearch, library: Library, index: str, row: str
) -> None:
    check = CHECKS[row]
    assert callable(check)
    check(splare, Way(library, client, index))
