import pytest
from opensearchpy import OpenSearch

from splare_os.search.labels import triggers as module
from splare_os.search.labels.triggers import Document, Evidence, Witness, excerpt
from splare_os.search.labels.vocabulary import Vocabulary
from tests.hashing import HashEncoder, WordEncoder

from ..conftest import SpanCounter

TEXTS = ["The Oil embargo", "oil and war", "rivers of oil"]
DOCUMENTS = tuple(Document("i", f"d{n}", text) for n, text in enumerate(TEXTS))


@pytest.fixture
def vocabulary(client: OpenSearch, index: str) -> Vocabulary:
    mapping = {"properties": {"text": {"type": "text", "analyzer": "english"}}}
    client.indices.create(index=index, body={"mappings": mapping})
    return Vocabulary(client, index, "text")


@pytest.mark.opensearch
def test_words_triggers_and_excerpts_of_a_latent(vocabulary: Vocabulary) -> None:
    encoder = WordEncoder()
    evidence = Evidence(encoder, vocabulary)
    evidence.look_at(DOCUMENTS)
    latent = encoder.latent("oil")
    words, triggers, excerpts = evidence.of(Witness(latent, ("river", "war"), DOCUMENTS))
    assert words == ("rivers", "war")
    assert triggers == ("oil",)
    assert [text for _, text in excerpts] == TEXTS
    assert evidence.distinct(["rivers", "oil", "river"]) == ["rivers", "oil"]


@pytest.mark.opensearch
def test_a_document_is_looked_at_once_while_it_is_remembered(
    vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    counter = SpanCounter(WordEncoder())
    evidence = Evidence(counter, vocabulary)
    evidence.look_at([*DOCUMENTS[:2], DOCUMENTS[0]])
    evidence.look_at(DOCUMENTS[:1])
    assert counter.calls == [(2, False)]
    evidence.look_at(DOCUMENTS[2:])  # d1 was not asked for as lately as d0
    evidence.look_at(DOCUMENTS)
    assert counter.calls == [(2, False), (1, False), (1, False)]


@pytest.mark.opensearch
def test_a_model_without_spans_has_no_trigger_words(vocabulary: Vocabulary) -> None:
    evidence = Evidence(HashEncoder(), vocabulary)
    evidence.look_at(DOCUMENTS)
    words, triggers, excerpts = evidence.of(Witness(3, ("embargo",), DOCUMENTS[:1]))
    assert (words, triggers) == (("embargo",), ())
    assert [text for _, text in excerpts] == TEXTS[:1]


@pytest.mark.parametrize(
    ("text", "place", "wanted"),
    [
        ("", None, ""),
        ("a  b\nc", None, "a b c"),
        ("x" * 30 + " " + "y" * 29 + " oil " + "z" * 99, (61, 64), f"… {'y' * 29} oil …"),
        ("oil" + " word" * 50, (0, 3), "oil" + " word" * 12 + " …"),
        ("y" * 200, (100, 103), "… yyy …"),
    ],
)
def test_an_excerpt_is_of_whole_words(
    text: str, place: tuple[int, int] | None, wanted: str
) -> None:
    assert excerpt(text, place) == wanted
