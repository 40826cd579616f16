import gzip
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch, Q, Search

from splare_os.encode.load import load_encoder
from splare_os.errors import ReplyError
from splare_os.index import IngestOptions, ingest
from splare_os.search import SplareOpenSearch
from splare_os.search.query import clause_limit

from ..conftest import Library

pytestmark = pytest.mark.opensearch

EXPLAIN = {"ext": {"splare": {"explain": True}}}


def explained(client: OpenSearch, query: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    asked = {"query": query, "size": 60, **EXPLAIN, **more}
    hits: list[dict[str, Any]] = client.search(index="library", body=asked)["hits"]["hits"]
    return hits


@pytest.mark.parametrize("options", [{}, {"boost": 2.5}, {"top_k": 3}, {"mass": 0.5, "boost": 0.5}])
def test_shares_add_up_to_the_score_and_spans_are_those_of_the_encoder(
    splare: SplareOpenSearch, library: Library, options: dict[str, Any]
) -> None:
    query = "the oil embargo"
    hits = explained(splare, {"splare": {"text": {"query": query, **options}}})
    assert len(hits) > 20
    (asked,) = library.encoder.spans([query], query=True)
    for hit in hits:
        (clause,) = hit["splare"]
        text = library.texts[hit["_id"]]
        assert (clause["field"], clause["query"], clause["text"]) == ("text", query, text)
        assert clause["score"] == pytest.approx(hit["_score"], rel=1e-5)
        assert sum(one["share"] for one in clause["matches"]) == pytest.approx(1.0)
        (spans,) = library.encoder.spans([text])
        for one in clause["matches"]:
            assert one["score"] == pytest.approx(one["share"] * clause["score"])
            assert one["document_span"] == spans[one["latent"]]
            assert one["query_span"] == asked[one["latent"]]


@pytest.mark.slow
def test_shares_of_a_thousand_hits_of_the_shipped_model_add_up(
    cluster_url: str, client: OpenSearch, index: str, tmp_path: Path
) -> None:
    encoder, sample = load_encoder("mini"), tmp_path / "sample.jsonl"
    with gzip.open(resources.files("splare_os") / "samples" / "squad-dev.jsonl.gz") as file:
        sample.write_bytes(b"".join(islice(file, 1000)))
    list(ingest(client, encoder, [str(sample)], IngestOptions(index, state_folder=tmp_path)))
    errors = []
    with SplareOpenSearch(cluster_url, encoder=encoder, timeout=600) as splare:
        for query in ("who lost money when prices fell", "the end of the war", "how plants grow"):
            asked = {"query": {"splare": {"text": query}}, "size": 500, **EXPLAIN}
            for hit in splare.search(index=index, body=asked)["hits"]["hits"]:
                total = sum(one["score"] for one in hit["splare"][0]["matches"])
                errors.append(abs(total / hit["_score"] - 1))
    assert len(errors) >= 1000
    assert max(errors) < 1e-5


def test_shares_are_of_the_latents_that_the_cluster_takes(
    splare: SplareOpenSearch, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clause_limit, "SURELY", 0)
    monkeypatch.setattr(clause_limit, "most_clauses", lambda _: 3)
    for hit in explained(splare, {"splare": {"text": "the oil embargo"}}):
        (clause,) = hit["splare"]
        assert len(clause["matches"]) <= 3
        assert clause["score"] == pytest.approx(hit["_score"], rel=1e-5)
    assert library.texts


def test_each_clause_of_a_query_is_explained_by_itself(
    splare: SplareOpenSearch, library: Library
) -> None:
    both = [{"splare": {"text": "oil"}}, {"splare": {"text": {"query": "war", "boost": 3}}}]
    both += both[:1]  # counts twice
    hits = explained(splare, {"bool": {"should": both}})
    assert {one["query"] for hit in hits for one in hit["splare"]} == {"oil", "war"}
    for hit in hits:
        total = sum(one["score"] for one in hit["splare"])
        assert total == pytest.approx(hit["_score"], rel=1e-5)


def test_a_text_that_changed_since_is_explained_without_its_spans(
    splare: SplareOpenSearch, client: OpenSearch, library: Library
) -> None:
    source = client.get(index="library", id="d8")["_source"]
    try:
        client.update(index="library", id="d8", body={"doc": {"text": "river"}}, refresh=True)
        hits = explained(splare, {"splare": {"text": library.texts["d8"]}})
        (clause,) = next(hit["splare"] for hit in hits if hit["_id"] == "d8")
        assert clause["text"] is None
        assert clause["score"] > 0
        assert {one["document_span"] for one in clause["matches"]} == {None}
        assert all(one["query_span"] for one in clause["matches"])
    finally:
        client.index(index="library", id="d8", body=source, refresh=True)


def test_the_query_builder_has_explanations(splare: SplareOpenSearch, library: Library) -> None:
    search = Search(using=splare, index=library.index).query(Q("splare", text="oil"))
    hits = list(search.extra(**EXPLAIN))
    assert hits
    assert all(hit.meta.splare[0]["matches"][0]["document_text"] for hit in hits)


def test_hits_that_do_not_tell_their_document_are_refused(
    splare: SplareOpenSearch, library: Library
) -> None:
    query = {"splare": {"text": "oil"}}
    with pytest.raises(ReplyError, match="hits come without _"):
        explained(splare, query, stored_fields="_none_", _source=False)
    assert library.texts


def test_without_a_wish_hits_have_no_explanation(
    splare: SplareOpenSearch, library: Library
) -> None:
    asked = {"query": {"splare": {"text": "oil"}}}
    hits = splare.search(index=library.index, body=asked)["hits"]["hits"]
    assert all("splare" not in hit for hit in hits)
