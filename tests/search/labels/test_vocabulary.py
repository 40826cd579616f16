import pytest
from opensearchpy import OpenSearch

from splare_os.search.labels.vocabulary import Vocabulary, words_of


class Counted(Vocabulary):
    """A vocabulary that notes what it asks for."""

    asked: list[list[str]]

    def _asked(self, words: list[str]) -> dict[str, str]:
        self.asked.append(words)
        return super()._asked(words)


@pytest.fixture
def vocabulary(client: OpenSearch, index: str) -> Counted:
    mapping = {"properties": {"text": {"type": "text", "analyzer": "english"}}}
    client.indices.create(index=index, body={"mappings": mapping})
    made = Counted(client, index, "text")
    made.asked = []
    return made


@pytest.mark.opensearch
def test_terms_are_the_analyzers_and_what_it_leaves_out_is_its_own(vocabulary: Counted) -> None:
    texts = ["The Prices, the embargoes!", "𝒜𝒜 a price"]
    assert vocabulary.terms(texts) == [
        frozenset({"the", "price", "embargo"}),
        frozenset({"𝒜𝒜", "a", "price"}),
    ]


@pytest.mark.opensearch
def test_each_word_is_asked_for_once(vocabulary: Counted) -> None:
    vocabulary.terms(["oil price", "oil"])
    vocabulary.learn(["price", "war"])
    vocabulary.learn(["war"])
    assert vocabulary.asked == [["oil", "price"], ["war"]]


@pytest.mark.opensearch
def test_many_words_are_asked_for_in_several_requests(vocabulary: Counted) -> None:
    words = [f"w{n}" for n in range(4500)]
    vocabulary.learn(words)
    assert [len(asked) for asked in vocabulary.asked] == [2000, 2000, 500]
    assert [vocabulary.term(word) for word in words] == words


@pytest.mark.opensearch
def test_terms_are_spelt_as_the_texts_do(vocabulary: Counted) -> None:
    vocabulary.terms(["treaty treaty treaties", "universities"])
    found = vocabulary.spelt(["treati", "univers", "opec"], ["a universe", "the universe"])
    assert found == ("treaty", "universe", "opec")


def test_words_are_in_small_letters() -> None:
    assert words_of("Oil & OPEC's\n1973") == ["oil", "opec", "s", "1973"]
    assert words_of("") == []


@pytest.mark.parametrize(
    "words",
    [
        ["हिन्दी", "में", "तेल"],
        ["e\u0301pide\u0301mie", "mortelle"],
        ["الخَبز", "طريّ"],
        ["می\u200cخواهم", "نان"],
        ["i\u0307stanbul", "şehri"],
    ],
)
def test_marks_part_no_words(words: list[str]) -> None:
    assert words_of(f"{words[0]}, {' '.join(words[1:])}.") == words


def test_a_mark_alone_is_no_word() -> None:
    assert words_of("\u0301 - \u200d oil") == ["oil"]
