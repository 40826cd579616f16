import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import NotFoundError, OpenSearch, Q, Search

from splare_os.documents.fields import Fields
from splare_os.encoder import Encoder, Spans
from splare_os.errors import EncoderError, MappingError
from splare_os.index import IngestOptions, ingest
from splare_os.search import SplareOpenSearch
from tests.hashing import HashEncoder, WordEncoder

from ..conftest import Library, SpanCounter

pytestmark = pytest.mark.opensearch

QUERY = "the oil embargo"
CLAUSE = {"splare": {"text": QUERY}}
OURS = {"type": "splare"}
EVERYTHING = OURS | {
    "number_of_fragments": 0,
    "pre_tags": "[",
    "post_tags": "]",
    "options": {"min_share": 0},
}
DOT = {"query": {"splare": {"text": {"query": QUERY, "scoring": "dot"}}}, "size": 60}
Span = tuple[int, int]


class CountedWords(WordEncoder):
    """Words that note of how many texts each call of `spans` was."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = list[int]()

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        self.calls.append(len(texts))
        return super().spans(texts, query=query)


def body(**fields: Any) -> dict[str, Any]:
    return {"query": CLAUSE, "highlight": {"fields": fields}}


def marked(fragment: str) -> tuple[str, list[Span]]:
    """Return a fragment without its brackets, and where they stood."""
    found, at = [], 0
    for part in re.split(r"(\[[^]]*\])", fragment):
        if part.startswith("["):
            found.append((at, at + len(part) - 2))
            at -= 2
        at += len(part)
    return fragment.replace("[", "").replace("]", ""), found


def matched_spans(client: OpenSearch, encoder: Encoder, index: str, name: str) -> set[Span]:
    """Return the arg-max spans of the latents that a document and the query have, from scratch."""
    source = client.get(index=index, id=name)["_source"]
    query = {str(latent) for latent in encoder.encode_queries([QUERY]).indices}
    (spans,) = encoder.spans([source["text"]])
    shared = query & source["text_splare"]["impacts"].keys()
    return {spans[int(latent)] for latent in shared}


def highlights(client: OpenSearch, index: str, asked: dict[str, Any]) -> dict[str, Any]:
    hits = client.search(index=index, body=asked)["hits"]["hits"]
    return {hit["_id"]: hit.get("highlight") for hit in hits}


@pytest.fixture
def words(cluster_url: str) -> Iterator[SplareOpenSearch]:
    with SplareOpenSearch(cluster_url, encoder=WordEncoder()) as client:
        yield client


@pytest.fixture
def fill(client: OpenSearch, write: Callable[..., str], tmp_path: Path) -> Callable[..., None]:
    def filled(index: str, *bodies: dict[str, Any], encoder: Encoder | None = None, **how: Any):
        lines = [{"_id": name, **one} for name, one in zip("abcdefgh", bodies, strict=False)]
        options = IngestOptions(index, state_folder=tmp_path, **how)
        outcomes = list(ingest(client, encoder or WordEncoder(), [write(lines)], options))
        assert {outcome.status for outcome in outcomes} == {"indexed"}

    return filled


def test_every_exact_mark_is_the_span_of_a_latent_that_matched_and_every_such_span_is_marked(
    splare: SplareOpenSearch, client: OpenSearch, library: Library
) -> None:
    options = {"options": {"whole_words": False, "min_share": 0}}
    found = highlights(splare, library.plain, body(text=EVERYTHING | options) | DOT)
    assert len(found) > 20
    for name, highlight in found.items():
        (fragment,) = highlight["text"]
        text, spans = marked(fragment)
        assert text == library.texts[name]
        expected = matched_spans(client, library.encoder, library.plain, name)
        assert set(spans) == {span for span in expected if span[0] < span[1]}


def test_every_wide_mark_is_a_whole_word_and_holds_such_a_span(
    splare: SplareOpenSearch, client: OpenSearch, library: Library
) -> None:
    found = highlights(splare, library.plain, body(text=EVERYTHING) | DOT)
    assert len(found) > 20
    for name, highlight in found.items():
        text, marks = marked(highlight["text"][0])
        expected = matched_spans(client, library.encoder, library.plain, name)
        for start, end in marks:
            assert text[start:end] in text.split()
            assert any(start <= one and other <= end for one, other in expected)


def test_texts_of_all_hits_cost_one_call(cluster_url: str, library: Library) -> None:
    counter = SpanCounter(library.encoder)
    with SplareOpenSearch(cluster_url, encoder=counter) as client:
        client.search(index="library", body=body(text=OURS, text_splare={}) | {"size": 7})
        texts = {library.texts[name] for name in highlights(client, "library", body(text=OURS))}
    assert counter.calls == [(7, False), (len(texts), False)]


def test_what_was_added_to_the_request_is_not_in_the_reply(
    splare: SplareOpenSearch, library: Library
) -> None:
    plain = splare.search(index="library", body={"query": CLAUSE})["hits"]["hits"]
    with_marks = splare.search(index="library", body=body(text=OURS))["hits"]["hits"]
    assert [hit | {"highlight": 0} for hit in plain] == [
        hit | {"highlight": 0} for hit in with_marks
    ]
    none = splare.search(index="library", body=body(text=OURS) | {"_source": False})
    assert [hit["highlight"] for hit in none["hits"]["hits"]] == [
        hit["highlight"] for hit in with_marks
    ]
    assert all("_source" not in hit for hit in none["hits"]["hits"])


def test_fields_of_the_servers_types_are_highlighted_by_the_server_in_the_same_request(
    words: SplareOpenSearch, fill: Callable[..., None], index: str
) -> None:
    fill(index, {"title": "oil", "text": "the embargo ended"})
    query = {"bool": {"should": [CLAUSE, {"match": {"title": "oil"}}]}}
    fields = {"text": OURS | {"pre_tags": "<b>", "post_tags": "</b>"}, "title": {}}
    found = highlights(words, index, {"query": query, "highlight": {"fields": fields}})
    assert found["a"] == {"title": ["<em>oil</em>"], "text": ["<b>the</b> <b>embargo</b> ended"]}


def test_titles_and_arrays_are_marked_where_the_encoded_text_came_from_them(
    words: SplareOpenSearch, fill: Callable[..., None], index: str
) -> None:
    fill(index, {"title": " Oil", "text": ["no word of it", "the embargo", "embargo and end"]})
    found = highlights(words, index, body(title=OURS, text=OURS, text_splare={}))["a"]
    assert found == {
        "title": ["<em>Oil</em>"],
        "text": ["<em>the</em> embargo", "<em>embargo</em> and end"],  # the last of a word has it
        "text_splare": ["<em>Oil</em>", "<em>the</em> embargo", "<em>embargo</em> and end"],
    }
    assert highlights(words, index, body(**{"t*": OURS}))["a"] == {
        name: found[name] for name in ("title", "text")
    }
    whole = {"text_splare": found["text_splare"]}
    assert highlights(words, index, body(**{"*_splare": {}}))["a"] == whole


def test_templates_and_paths_into_objects_are_mapped_back(
    words: SplareOpenSearch, fill: Callable[..., None], index: str
) -> None:
    fields = Fields("paper.body", template="{brand} {paper.body} of {brand}")
    fill(index, {"brand": "Oil", "paper": [{"body": "of the"}, {"body": "embargo"}]}, fields=fields)
    asked = {
        "query": {"splare": {"paper.body": QUERY}},
        "highlight": {"fields": {"brand": OURS, "paper.body": OURS}},
    }
    assert highlights(words, index, asked)["a"] == {
        "brand": ["<em>Oil</em>"],
        "paper.body": ["of <em>the</em>", "<em>embargo</em>"],
    }


def test_a_text_that_changed_since_is_not_marked(
    words: SplareOpenSearch, client: OpenSearch, fill: Callable[..., None], index: str
) -> None:
    fill(index, {"text": "the oil embargo"}, {"text": "the oil"})
    change = {"doc": {"text": "no oil and no embargo"}}
    client.update(index=index, id="a", body=change, refresh=True)
    found = highlights(words, index, body(text=OURS))
    assert found == {"a": None, "b": {"text": ["<em>the</em> <em>oil</em>"]}}
    beginning = highlights(words, index, body(text=OURS | {"no_match_size": 5}))
    assert beginning["a"] == {"text": ["no oil"]}


def test_a_compact_index_is_highlighted_too(
    words: SplareOpenSearch, fill: Callable[..., None], index: str
) -> None:
    fill(index, {"text": "the oil war"}, compact=True)
    assert highlights(words, index, body(text=OURS))["a"] == {
        "text": ["<em>the</em> <em>oil</em> war"]
    }


def test_hits_of_other_clauses_and_below_a_min_score_have_no_mark(
    words: SplareOpenSearch, fill: Callable[..., None], index: str
) -> None:
    fill(index, {"text": "the oil embargo"}, {"text": "the war"}, {"text": "peace"})
    hits = words.search(index=index, body={"query": CLAUSE})["hits"]["hits"]
    between = sum(hit["_score"] for hit in hits) / 2
    least = {"splare": {"text": {"query": QUERY, "min_score": between}}}
    query = {"bool": {"should": [least, {"match": {"text": "war peace"}}]}}
    found = highlights(words, index, {"query": query, "highlight": {"fields": {"text": OURS}}})
    assert found == {
        "a": {"text": ["<em>the</em> <em>oil</em> <em>embargo</em>"]},
        "b": None,
        "c": None,
    }


def test_clauses_mark_together(
    words: SplareOpenSearch, fill: Callable[..., None], index: str
) -> None:
    fill(index, {"text": "the oil war embargo"})
    both = [{"splare": {"text": "oil"}}, {"splare": {"text": {"query": "embargo", "boost": 2}}}]
    query = {"dis_max": {"queries": both}}
    found = highlights(words, index, {"query": query, "highlight": {"fields": {"text": OURS}}})
    assert found["a"] == {"text": ["the <em>oil</em> war <em>embargo</em>"]}


def test_every_search_of_an_msearch_has_its_own_highlight_in_one_batch(
    cluster_url: str, fill: Callable[..., None], index: str
) -> None:
    fill(index, {"text": "the oil"}, {"text": "war"})
    counter = CountedWords()
    other = {"query": {"splare": {"text": "war"}}, "highlight": {"fields": {"text_splare": {}}}}
    lines = [{}, body(text=OURS), {}, {"query": CLAUSE}, {}, other, {"index": "nowhere"}, other]
    with SplareOpenSearch(cluster_url, encoder=counter) as client:
        first, plain, second, failed = client.msearch(body=lines, index=index)["responses"]
    assert first["hits"]["hits"][0]["highlight"] == {"text": ["<em>the</em> <em>oil</em>"]}
    assert "highlight" not in plain["hits"]["hits"][0]
    assert second["hits"]["hits"][0]["highlight"] == {"text_splare": ["<em>war</em>"]}
    assert failed["status"] == 404
    assert counter.calls == [2]


def test_collapsed_hits_pages_and_the_query_builder_have_highlights(
    splare: SplareOpenSearch, library: Library
) -> None:
    asked = body(text=OURS) | {"size": 2}
    collapsed = splare.search(index="library", body=asked | {"collapse": {"field": "group"}})
    assert all(hit["highlight"] for hit in collapsed["hits"]["hits"])
    first = splare.search(index="library", body=asked | {"sort": ["_score", "group"]})
    after = first["hits"]["hits"][-1]["sort"]
    page = asked | {"sort": ["_score", "group"], "search_after": after}
    assert splare.search(index="library", body=page)["hits"]["hits"][0]["highlight"]["text"]
    search = Search(using=splare, index="library").query(Q("splare", text=QUERY))
    for hit in search.highlight("text", type="splare"):
        assert "<em>" in hit.meta.highlight.text[0]


def test_a_model_without_spans_is_refused(
    cluster_url: str, fill: Callable[..., None], index: str
) -> None:
    fill(index, {"text": "the oil"}, encoder=HashEncoder())
    with (
        SplareOpenSearch(cluster_url, encoder=HashEncoder()) as client,
        pytest.raises(EncoderError, match="have no spans"),
    ):
        client.search(index=index, body=body(text=OURS))


def test_an_index_that_is_not_there_is_the_servers_404_and_a_strange_field_is_refused(
    splare: SplareOpenSearch, library: Library
) -> None:
    with pytest.raises(NotFoundError):
        splare.search(index="nowhere", body=body(text=OURS))
    with pytest.raises(MappingError, match="highlight field 'body'"):
        splare.search(index=library.index, body=body(body=OURS))
