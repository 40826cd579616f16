"""Ways to search that docs/search.md lists, each a check of what comes back."""

import json
from typing import Any

import pytest
from opensearchpy import OpenSearch, RequestError, helpers

from splare_os.search import SplareOpenSearch

from .conftest import Library

QUERY = "the oil embargo"
CLAUSE = {"splare": {"text": QUERY}}
LEAST = 15.0
GUARDED = {"splare": {"text": {"query": QUERY, "min_score": LEAST}}}
BODY: dict[str, Any] = {"query": CLAUSE, "size": 60}
UNKNOWN = r"unknown query \[splare\]|unknown_query|splare"


class Way:
    """What a check needs: the library's scores, a name for an index, a plain client."""

    def __init__(self, library: Library, client: OpenSearch, index: str) -> None:
        self.scores, self.client, self.index = library.scores(QUERY), client, index

    def expect(self, reply: dict[str, Any]) -> None:
        """Fail unless a reply has the library's hits with their scores, without impacts."""
        hits = reply["hits"]["hits"]
        found = {hit["_id"]: hit["_score"] for hit in hits}
        assert found == pytest.approx(self.scores, rel=1e-5)
        assert all("impacts" not in hit["_source"]["text_splare"] for hit in hits)


def search(client: SplareOpenSearch, way: Way) -> None:
    way.expect(client.search(index="library", body=BODY))


def msearch(client: SplareOpenSearch, way: Way) -> None:
    lines = f'\n{json.dumps(BODY)}\n{{"index": "library"}}\n{json.dumps(BODY)}\n'
    for reply in client.msearch(index="library", body=lines)["responses"]:
        way.expect(reply)
    for last in ("\n", '{"index": "library"}\n'):
        lines = f'{{"index": "library"}}\n{json.dumps(BODY)}\n{last}'
        (reply,) = client.msearch(body=lines)["responses"]
        way.expect(reply)


def template(client: SplareOpenSearch, way: Way) -> None:
    asked = {"source": {"query": {"splare": {"text": "{{words}}"}}, "size": 60}}
    asked["params"] = {"words": QUERY}
    with pytest.raises(RequestError, match=UNKNOWN):
        client.search_template(index="library", body=asked)
    found = client.search_template(index="library", body={"source": {"size": 1}})["hits"]["hits"]
    assert "impacts" in found[0]["_source"]["text_splare"]
    lines = [{"index": "library"}, asked]
    with pytest.raises(RequestError, match="no requests added"):  # none that can be read
        client.msearch_template(body=lines)
    way.expect(
        client.search(
            index="library", body=client.render_search_template(body=asked)["template_output"]
        )
    )


def scroll(client: SplareOpenSearch, way: Way) -> None:
    hits = list(helpers.scan(client, query=BODY, index="library", preserve_order=True, size=7))
    assert {hit["_id"] for hit in hits} == way.scores.keys()
    assert all(hit["_source"]["text_splare"]["impacts"] for hit in hits)
    page = client.search(index="library", body={**BODY, "size": 7}, params={"scroll": "1m"})
    after = client.scroll(scroll_id=page["_scroll_id"], params={"scroll": "1m"})
    client.clear_scroll(scroll_id=page["_scroll_id"])
    assert [hit["_id"] for part in (page, after) for hit in part["hits"]["hits"]] == [
        hit["_id"] for hit in hits[:14]
    ]


def point_in_time(client: SplareOpenSearch, way: Way) -> None:
    point = client.create_pit(index="library", params={"keep_alive": "1m"})["pit_id"]
    way.expect(client.search(body={**BODY, "pit": {"id": point}}))
    client.delete_pit(body={"pit_id": [point]})


def search_after(client: SplareOpenSearch, way: Way) -> None:
    found: list[str] = []
    body = {**BODY, "size": 7, "sort": ["_score", {"group": "asc"}, "_doc"]}
    while hits := client.search(index="library", body=body)["hits"]["hits"]:
        found += [hit["_id"] for hit in hits]
        body["search_after"] = hits[-1]["sort"]
    assert sorted(found) == sorted(way.scores)


def collapse(client: SplareOpenSearch, way: Way) -> None:
    inner = {"name": "best", "size": 2}
    body = {**BODY, "collapse": {"field": "group", "inner_hits": inner}}
    hits = client.search(index="library", body=body)["hits"]["hits"]
    assert {hit["fields"]["group"][0] for hit in hits} == {0, 1}
    for hit in hits:
        best = hit["inner_hits"]["best"]["hits"]["hits"]
        assert best[0]["_id"] == hit["_id"]
        assert best[1]["_score"] == pytest.approx(way.scores[best[1]["_id"]], rel=1e-5)
        assert all("impacts" not in each["_source"]["text_splare"] for each in best)


def copied(client: SplareOpenSearch, way: Way, **more: Any) -> None:
    """Make an index of the library's first ten documents, with more fields."""
    mappings = way.client.indices.get_mapping(index="library")["library"]["mappings"]
    mappings["properties"] |= more
    way.client.indices.create(index=way.index, body={"mappings": mappings})
    query = {"terms": {"_id": [f"d{number}" for number in range(10)]}}
    body = {"source": {"index": "library", "query": query}, "dest": {"index": way.index}}
    way.client.reindex(body=body, params={"refresh": "true"})
    assert client.count(index=way.index)["count"] == 10


def nested(client: SplareOpenSearch, way: Way) -> None:
    copied(client, way, tags={"type": "nested", "properties": {"name": {"type": "keyword"}}})
    update = {"doc": {"tags": [{"name": "new"}, {"name": "old"}]}}
    way.client.update(index=way.index, id="d2", body=update, params={"refresh": "true"})
    tags = {"path": "tags", "query": {"term": {"tags.name": "old"}}, "inner_hits": {}}
    body = {"query": {"bool": {"must": [CLAUSE], "filter": [{"nested": tags}]}}}
    (hit,) = client.search(index=way.index, body=body)["hits"]["hits"]
    (inner,) = hit["inner_hits"]["tags"]["hits"]["hits"]
    assert (hit["_id"], inner["_source"]) == ("d2", {"name": "old"})
    with pytest.raises(ValueError, match="stands in a nested query or agg"):
        client.search(index=way.index, body={"query": {"nested": {**tags, "query": CLAUSE}}})


def aggregations(client: SplareOpenSearch, way: Way) -> None:
    top = {"terms": {"field": "group"}, "aggs": {"best": {"top_hits": {"size": 1}}}}
    sampler = {"sampler": {"shard_size": 5}, "aggs": {"group": {"terms": {"field": "group"}}}}
    body = {**BODY, "aggs": {"groups": top, "best": sampler}}
    reply = client.search(index="library", body=body)
    way.expect(reply)
    for bucket in reply["aggregations"]["groups"]["buckets"]:
        (hit,) = bucket["best"]["hits"]["hits"]
        ours = {name: s for name, s in way.scores.items() if int(name[1:]) % 2 == bucket["key"]}
        assert hit["_score"] == pytest.approx(max(ours.values()), rel=1e-5)
        assert "impacts" not in hit["_source"]["text_splare"]
    assert reply["aggregations"]["best"]["doc_count"] == 5


def compounds(client: SplareOpenSearch, way: Way) -> None:
    nobody = {"term": {"group": 7}}
    kinds = {
        "boosting": {"positive": CLAUSE, "negative": nobody, "negative_boost": 0.5},
        "dis_max": {"queries": [CLAUSE, nobody]},
        "function_score": {"query": CLAUSE, "functions": [{"weight": 1}]},
        "script_score": {"query": CLAUSE, "script": {"source": "_score"}},
    }
    for kind, arguments in kinds.items():
        way.expect(client.search(index="library", body={"query": {kind: arguments}, "size": 60}))


def joined(client: SplareOpenSearch, way: Way) -> None:
    copied(client, way, tree={"type": "join", "relations": {"book": "page"}})
    pages = {f"d{number}" for number in range(1, 10)}
    way.client.update(index=way.index, id="d0", body={"doc": {"tree": "book"}})
    for page in pages:
        body = {"doc": {"tree": {"name": "page", "parent": "d0"}}}
        params = {"refresh": "true", "routing": "d0"}
        way.client.update(index=way.index, id=page, body=body, params=params)
    child = {"type": "page", "query": CLAUSE, "score_mode": "max", "inner_hits": {}}
    (book,) = client.search(index=way.index, body={"query": {"has_child": child}})["hits"]["hits"]
    best = book["inner_hits"]["page"]["hits"]["hits"][0]
    assert (book["_id"], book["_score"]) == ("d0", best["_score"])
    assert "impacts" not in best["_source"]["text_splare"]
    parent = {"parent_type": "book", "query": CLAUSE, "score": True}
    found = client.search(index=way.index, body={"query": {"has_parent": parent}})["hits"]["hits"]
    assert {hit["_id"] for hit in found} == pages
    some = {"has_child": {"type": "page", "query": GUARDED}}
    assert client.count(index=way.index, body={"query": some})["count"] == 1
    with pytest.raises(ValueError, match="give it a min_score"):
        client.count(index=way.index, body={"query": {"has_child": child}})
    del child["score_mode"]
    with pytest.raises(ValueError, match="give it a min_score"):
        client.search(index=way.index, body={"query": {"has_child": child}})


def selecting(client: SplareOpenSearch, way: Way) -> None:
    n_matching = sum(score >= LEAST for score in way.scores.values())
    assert 0 < n_matching < len(way.scores)
    several = {"filters": {"ours": GUARDED}}
    aggs = {"one": {"filter": GUARDED}, "more": {"filters": several}}
    aggs["matrix"] = {"adjacency_matrix": several}
    reply = client.search(index="library", body={"size": 60, "post_filter": GUARDED, "aggs": aggs})
    assert len(reply["hits"]["hits"]) == n_matching
    found = reply["aggregations"]
    assert found["one"]["doc_count"] == n_matching
    assert found["more"]["buckets"]["ours"]["doc_count"] == n_matching
    assert found["matrix"]["buckets"] == [{"key": "ours", "doc_count": n_matching}]
    with pytest.raises(ValueError, match="give it a min_score"):
        client.search(index="library", body={"post_filter": CLAUSE})


def selecting_compounds(client: SplareOpenSearch, way: Way) -> None:
    n_matching = sum(score >= LEAST for score in way.scores.values())
    everything = {"match_all": {}}
    functions = [{"filter": GUARDED, "weight": 2}]
    queries: list[tuple[dict[str, Any], float]] = [
        ({"constant_score": {"filter": {"bool": {"must": GUARDED}}, "boost": 2}}, 2.0),
        ({"function_score": {"query": everything, "functions": functions}}, 2.0),
        ({"boosting": {"positive": everything, "negative": GUARDED, "negative_boost": 0.5}}, 0.5),
    ]
    for query, score in queries:
        hits = client.search(index="library", body={"query": query, "size": 60})["hits"]["hits"]
        assert sum(hit["_score"] == score for hit in hits) == n_matching
