import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.impacts import to_features
from splare_os.search import explain, matches
from splare_os.search.explain.explain import matches_of_all, word_at
from tests.hashing import HashEncoder, WordEncoder

from ..conftest import SpanCounter


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


def test_shared_latents_with_what_each_adds_largest_first() -> None:
    query = csr_array(np.array([[0.5, 2.0, 1.0, 3.0]], dtype=np.float32))
    found = explain(query, {"0": 4.0, "2": 1.2345, "7": 9.0, "1": 1.0})
    assert [(one.latent, one.score) for one in found] == [(0, 2.0), (1, 2.0), (2, 1.234375)]
    assert (found[2].query_impact, found[2].document_impact) == (1.0, 1.234375)


@pytest.mark.parametrize("document", [{}, {"9": 1.0}])
def test_nothing_shared_explains_nothing(document: dict[str, float]) -> None:
    assert explain(csr_array(np.array([[1.0]], dtype=np.float32)), document) == []


def test_matches_name_the_words_of_query_and_document(encoder: WordEncoder) -> None:
    query, document = "the oil", "the price of Oil"
    shared = explain(
        encoder.encode_queries([query]), to_features(encoder.encode_documents([document]))
    )
    found = matches(encoder, query, document, shared)
    assert [match.latent for match in found] == [one.latent for one in shared]
    assert {match.query_text for match in found} == {"the", "oil"}
    assert {match.document_text for match in found} == {"the", "Oil"}


@pytest.mark.parametrize(
    ("text", "span", "word"),
    [
        ("the oil crisis", (3, 7), "oil"),  # such tokens begin with the white space before a word
        ("die Ölpreise", (3, 6), "Ölpreise"),
        ("ارتفع النفط", (5, 8), "النفط"),
        ("the  石油", (4, 5), ""),
    ],
)
def test_white_space_is_no_part_of_a_word(text: str, span: tuple[int, int], word: str) -> None:
    assert word_at(text, *span) == word


def test_matches_have_shares_and_spans(encoder: WordEncoder) -> None:
    query = encoder.encode_queries(["the oil oil"])
    document = "price of oil, the oil"
    shared = explain(query, {str(encoder.latent("oil")): 3.0, str(encoder.latent("the")): 1.0})
    oil, the = matches(encoder, "the oil oil", document, shared)
    assert (oil.share, the.share) == pytest.approx((6 / 7, 1 / 7))  # 1 · 3 and 0.5 · 1
    assert (oil.query_span, oil.document_span) == ((8, 11), (18, 21))
    assert (the.query_span, the.document_span) == ((0, 3), (14, 17))


def test_a_text_that_is_not_known_has_no_spans(encoder: WordEncoder) -> None:
    shared = explain(encoder.encode_queries(["oil"]), {str(encoder.latent("oil")): 1.0})
    counter = SpanCounter(encoder)
    ((match,), (known,)) = matches_of_all(counter, "oil", [None, "an oil"], [shared, shared])
    assert counter.calls == [(1, True), (1, False)]
    assert known.document_span == (3, 6)
    assert (match.document_text, match.document_span) == ("", None)
    assert (match.query_text, match.query_span, match.share) == ("oil", (0, 3), 1.0)


def test_all_documents_at_once_match_as_one_by_one(encoder: WordEncoder) -> None:
    query, documents = "the oil war", ["price of oil", "", "river", "the war of the river"]
    impacts, rows = encoder.encode_queries([query]), encoder.encode_documents(documents)
    shared = [explain(impacts, to_features(rows, row)) for row in range(len(documents))]
    counter = SpanCounter(encoder)
    found = matches_of_all(counter, query, documents, shared)
    assert counter.calls == [(1, True), (4, False)]
    assert found == [
        matches(encoder, query, document, one)
        for document, one in zip(documents, shared, strict=True)
    ]
    assert found[0][0].document_text


def test_no_document_asks_the_encoder_nothing(encoder: WordEncoder) -> None:
    counter = SpanCounter(encoder)
    assert matches_of_all(counter, "oil", [], []) == []
    assert counter.calls == []


def test_a_model_without_spans_leaves_the_words_empty() -> None:
    query = csr_array(np.array([[1.0]], dtype=np.float32))
    (match,) = matches(HashEncoder(), "oil", "oil", explain(query, {"0": 2.0}))
    assert (match.score, match.query_text, match.document_text) == (2.0, "", "")
