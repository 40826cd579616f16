import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opensearchpy import OpenSearch

from splare_os.search import SplareOpenSearch
from splare_os.search.rewrite.parts import without_impacts

OUT = {"excludes": ["*_splare.impacts"]}
NAMED = ["*_splare.impacts"]
MATCH = {"match": {"text": "oil"}}
EVERY = {"match_all": {}}

Part = dict[str, Any]


def nested(part: Part) -> Part:
    return {"nested": {"path": "parts", "query": {"match": {"parts.text": "oil"}}} | part}


def wrapped(query: Part) -> Part:
    return {"wrapper": {"query": b64encode(json.dumps(query).encode()).decode()}}


INNER: dict[str, Callable[[Part], Part]] = {
    "nested": nested,
    "has_child": lambda part: {"has_child": {"type": "chapter", "query": MATCH} | part},
    "has_parent": lambda part: {"has_parent": {"parent_type": "book", "query": MATCH} | part},
    "must": lambda part: {"bool": {"must": nested(part)}},
    "should, filter": lambda part: {"bool": {"should": [nested(part)], "filter": [MATCH]}},
    "filter": lambda part: {"bool": {"must": MATCH, "filter": [{"bool": {"must": nested(part)}}]}},
    "dis_max": lambda part: {"dis_max": {"queries": [MATCH, nested(part)]}},
    "constant_score": lambda part: {"constant_score": {"filter": nested(part)}},
    "boosting": lambda part: {
        "boosting": {"positive": MATCH, "negative": nested(part), "negative_boost": 0.5}
    },
    "function_score": lambda part: {"function_score": {"query": nested(part)}},
    "script_score": lambda part: {
        "script_score": {"query": nested(part), "script": {"source": "1"}}
    },
    "hybrid": lambda part: {"hybrid": {"queries": [nested(part), MATCH]}},
    "wrapper": lambda part: wrapped(nested(part)),
    "inside a wrapper": lambda part: {
        "bool": {"filter": wrapped({"bool": {"must": nested(part)}})}
    },
    "inside another": lambda part: {
        "has_parent": {"parent_type": "book", "query": nested(part)} | part
    },
}
PARTS: dict[str, Callable[[Part], Part]] = {
    **{
        name: lambda part, inner=inner: {"query": inner({"inner_hits": part})}
        for name, inner in INNER.items()
    },
    "post_filter": lambda part: {"query": EVERY, "post_filter": nested({"inner_hits": part})},
    "collapse": lambda part: {"collapse": {"field": "group", "inner_hits": {"name": "x"} | part}},
    "collapse twice": lambda part: {
        "collapse": {
            "field": "group",
            "inner_hits": [
                {"name": "x"} | part,
                {"name": "y", "collapse": {"field": "group"}} | part,
            ],
        }
    },
    "top_hits": lambda part: {"aggs": {"best": {"top_hits": part}}},
    "deep top_hits": lambda part: {
        "aggregations": {
            "groups": {
                "terms": {"field": "group"},
                "aggs": {"in": {"nested": {"path": "parts"}, "aggs": {"x": {"top_hits": part}}}},
            }
        }
    },
}


@pytest.fixture(scope="module")
def shelf(client: OpenSearch) -> Iterator[str]:
    """An index of a book with a part and a chapter; all three have impacts."""
    ours = {"properties": {"impacts": {"type": "rank_features"}, "latents": {"type": "keyword"}}}
    fields = {"text": {"type": "text"}, "text_splare": ours}
    mappings = {
        "kind": {"type": "join", "relations": {"book": "chapter"}},
        "group": {"type": "integer"},
        "parts": {"type": "nested", "properties": fields},
        **fields,
    }
    fusion = {"phase_results_processors": [{"normalization-processor": {}}]}
    client.http.put("/_search/pipeline/parts-fused", body=fusion)
    settings = {"index.search.default_pipeline": "parts-fused"}
    body = {"settings": settings, "mappings": {"properties": mappings}}
    client.indices.create(index="parts", body=body)
    oil = {"text": "oil", "text_splare": {"impacts": {"1": 1.0}, "latents": ["1"]}}
    chapter = {"name": "chapter", "parent": "book"}
    params = {"routing": "book", "refresh": "true"}
    client.index(
        index="parts",
        id="book",
        body={"kind": "book", "group": 1, "parts": [oil], **oil},
        params=params,
    )
    client.index(index="parts", id="one", body={"kind": chapter, "group": 1, **oil}, params=params)
    yield "parts"
    client.indices.delete(index="parts")
    client.http.delete("/_search/pipeline/parts-fused")


def replies(client: OpenSearch, index: str, body: Part) -> list[str]:
    """Return what search and msearch reply, as text."""
    several = client.msearch(body=[{"index": index}, body])["responses"]
    return [json.dumps(reply) for reply in (client.search(index=index, body=body), *several)]


@pytest.mark.opensearch
@pytest.mark.parametrize("part", PARTS)
def test_no_part_of_a_reply_holds_impacts(
    splare: SplareOpenSearch, client: OpenSearch, shelf: str, part: str
) -> None:
    body = {"_source": False, **PARTS[part]({})}
    for plain, ours in zip(replies(client, shelf, body), replies(splare, shelf, body), strict=True):
        assert '"impacts"' in plain
        assert '"impacts"' not in ours
        assert ours.count('"latents"') == plain.count('"latents"')


STORED = {"stored_fields": ["_source"], "_source": False}


@pytest.mark.opensearch
@pytest.mark.parametrize("part", PARTS)
def test_a_source_that_is_stored_and_not_wanted_comes_without_impacts(
    splare: SplareOpenSearch, client: OpenSearch, shelf: str, part: str
) -> None:
    body = STORED | PARTS[part](STORED)
    for plain, ours in zip(replies(client, shelf, body), replies(splare, shelf, body), strict=True):
        assert '"impacts"' in plain
        assert '"impacts"' not in ours
        assert ours.count('"latents"') == plain.count('"latents"')


@pytest.mark.opensearch
@pytest.mark.parametrize("path", ["_search", "_explain/book"])
@pytest.mark.parametrize("wanted", [{}, {"_source": "false"}, {"_source": "text*"}])
def test_so_does_one_that_parameters_ask_for(
    splare: SplareOpenSearch, client: OpenSearch, shelf: str, path: str, wanted: Part
) -> None:
    def asked(client: OpenSearch) -> str:
        params = {"stored_fields": "_source", "routing": "book", **wanted}
        return json.dumps(client.http.post(f"/{shelf}/{path}", params, body={"query": EVERY}))

    plain, ours = asked(client), asked(splare)
    assert '"impacts"' not in ours
    assert ours.count('"latents"') == plain.count('"latents"')


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("asked", "is_shown"), [("true", 0), ("text*", 0), ("text_splare.impacts", 1)]
)
def test_the_document_of_an_explanation_comes_without_impacts_unless_named(
    splare: SplareOpenSearch, client: OpenSearch, shelf: str, asked: str, is_shown: int
) -> None:
    some = client.search(index=shelf, body={"size": 1})["hits"]["hits"][0]["_id"]
    body = {"query": {"match_all": {}}}
    reply = splare.explain(index=shelf, id=some, body=body, params={"_source": asked})
    ours = reply["get"]["_source"].get("text_splare", {})
    assert ("impacts" in ours) == bool(is_shown)


@pytest.mark.opensearch
@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_names_impacts_gets_them(
    splare: SplareOpenSearch, shelf: str, part: str
) -> None:
    body = {"_source": False, **PARTS[part]({"_source": NAMED})}
    assert all('"impacts"' in reply for reply in replies(splare, shelf, body))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_asked_for_without_impacts_and_nothing_else_is_changed(part: str) -> None:
    body = PARTS[part]({"size": 3})
    original = json.dumps(body)
    _, sent = without_impacts(None, body)
    assert sent == {"_source": OUT, **PARTS[part]({"size": 3, "_source": OUT})}
    assert json.dumps(body) == original


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "asked",
    [
        {"_source": False},
        {"_source": NAMED},
        {"stored_fields": "x"},
        {"script_fields": {"x": {"script": "1"}}},
    ],
)
def test_a_part_without_source_or_with_impacts_asked_for_stays_as_it_is(
    part: str, asked: Part
) -> None:
    body = {"_source": False, **PARTS[part](asked)}
    assert without_impacts(None, body) == ({}, body)


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"bool": {"must": [nested({})]}}, "collapse": {"field": "group"}},
        {"aggs": {"top_hits": {"terms": {"field": "inner_hits"}}}},
        {"query": {"term": {"nested": {"inner_hits": {}}}}},
        {"query": {"bool": "malformed"}, "collapse": [], "aggs": {"a": None}},
        {"query": {"nested": {"inner_hits": None}}},
    ],
)
def test_a_body_without_such_parts_gets_nothing_added(body: Part) -> None:
    assert without_impacts(None, body) == ({}, {"_source": OUT, **body})


def test_parts_have_their_own_source_also_where_parameters_rule_the_hits() -> None:
    params, body = without_impacts({"_source": "text"}, PARTS["top_hits"]({}))
    assert params == {"_source": "text", "_source_excludes": NAMED[0]}
    assert body == PARTS["top_hits"]({"_source": OUT})


@pytest.mark.parametrize(
    "asked", [{"stored_fields": "_source"}, {"stored_fields": ["_source"]}, {"script_fields": {}}]
)
def test_a_source_that_comes_otherwise_is_without_impacts_too(asked: Part) -> None:
    assert without_impacts(None, asked) == ({}, asked | {"_source": OUT})


def test_a_source_among_the_stored_fields_of_a_parameter_is_without_impacts() -> None:
    for asked in (b"_source", "x,_source"):
        params, _ = without_impacts({"stored_fields": asked}, None)
        assert params == {"stored_fields": asked, "_source_excludes": NAMED[0]}
    assert without_impacts({"stored_fields": "x"}, None) == ({"stored_fields": "x"}, None)


def test_it_is_so_too_where_a_parameter_or_the_body_wants_none() -> None:
    params = {"stored_fields": "_source", "_source": "false"}
    assert without_impacts(params, None)[0] == params | {"_source_excludes": NAMED[0]}
    both = {"_source": "false"}, {"stored_fields": ["_source"]}
    assert without_impacts(*both)[0] == both[0] | {"_source_excludes": NAMED[0]}
    both = {"stored_fields": "_source"}, {"_source": False}
    assert without_impacts(*both) == (both[0], {"_source": OUT})
    both = {"stored_fields": "x"}, STORED  # none comes
    assert without_impacts(*both) == both


def test_stored_fields_of_a_parameter_count_before_those_of_the_body() -> None:
    params, body = {"stored_fields": "x"}, {"stored_fields": ["x", "_source"]}
    assert without_impacts(params, body) == (params, body)  # no document comes, as on the server
    params, body = {"stored_fields": "_source"}, {"stored_fields": ["x"]}
    assert without_impacts(params, body) == (params, body | {"_source": OUT})


@pytest.mark.parametrize(
    "query", ["e30=", "no base64", b64encode(b"---\nmatch_all: {}").decode(), 7, None]
)
def test_a_wrapper_without_inner_hits_keeps_its_letters(query: object) -> None:
    _, body = without_impacts({}, {"query": {"wrapper": {"query": query}}})
    assert body["query"] == {"wrapper": {"query": query}}
