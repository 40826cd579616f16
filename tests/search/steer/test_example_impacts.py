"""Documents that a query is to be like, from a real index."""

from collections.abc import Callable
from typing import Any

import pytest
from opensearchpy import OpenSearch

from splare_os.documents import Fields
from splare_os.encoder import Encoder
from splare_os.errors import NoIndexError, ReplyError, SteeringError
from splare_os.impacts import from_features
from splare_os.index import IngestOptions, ingest
from splare_os.layout import find_impacts
from splare_os.search import Reference
from splare_os.search.steer.example_impacts import ExampleImpacts
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch

DOCUMENTS = [
    {"_id": "ants", "text": "ants carry leaves leaves"},
    {"_id": "bees", "text": "bees carry pollen", "title": "hives"},
    {"_id": "none", "text": ""},
]

Read = Callable[..., ExampleImpacts]


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture
def read(client: OpenSearch, encoder: Encoder, index: str, write: Any) -> Read:
    """Index documents under the names that are asked for, and return what reads examples."""

    def reading(*names: str, searched: str | None = None, **options: Any) -> ExampleImpacts:
        for name in names:
            made = IngestOptions(index + name, **options)
            list(ingest(client, encoder, [write(DOCUMENTS)], made))
        within = searched or ",".join(index + name for name in names)
        fields = Fields("text", None)
        return ExampleImpacts(
            client,
            encoder,
            lambda other: find_impacts(client, other or within, fields, encoder),
            {},
        )

    return reading


def stored_impacts(client: OpenSearch, index: str, name: str) -> dict[str, float]:
    found: dict[str, float] = client.get(index=index, id=name)["_source"]["text_splare"]["impacts"]
    return found


def test_a_documents_impacts_are_those_of_its_index(
    read: Read, client: OpenSearch, encoder: HashEncoder, index: str
) -> None:
    impacts, places = read("")([Reference("bees"), Reference("ants")])
    expected = [stored_impacts(client, index, name) for name in ("bees", "ants")]
    assert (impacts != from_features(expected, encoder.n_latents)).nnz == 0
    assert places == [(index, "bees"), (index, "ants")]


@pytest.mark.parametrize("scoring", ["calibrated", "dot"])
def test_a_text_has_the_impacts_that_its_document_would_have(
    read: Read, client: OpenSearch, encoder: HashEncoder, index: str, scoring: str
) -> None:
    impacts, places = read("", scoring=scoring)(["ants carry leaves leaves"])
    expected = from_features([stored_impacts(client, index, "ants")], encoder.n_latents)
    assert abs(impacts - expected).max() < 1e-6
    assert places == []


def test_a_compact_index_gives_the_text_which_is_encoded_again(
    read: Read, encoder: HashEncoder, index: str
) -> None:
    compact, _ = read("-compact", compact=True)([Reference("bees")])
    whole, _ = read("-whole")([Reference("bees")])
    assert abs(compact - whole).max() < 1e-6
    assert whole.nnz == 4  # title and text


def test_equal_ids_of_several_indices_have_to_be_told_apart(read: Read, index: str) -> None:
    both = read("-a", "-b")
    with pytest.raises(ValueError, match=f"'ants' is in {index}-a, {index}-b: say which by _index"):
        both([Reference("ants")])
    assert both([Reference("ants", f"{index}-b")])[1] == [(f"{index}-b", "ants")]


def test_a_document_elsewhere_may_be_an_example(read: Read, index: str) -> None:
    one = read("-a", "-b", searched=f"{index}-a")
    assert one([Reference("ants", f"{index}-b")])[1] == [(f"{index}-b", "ants")]


def test_a_document_that_is_not_there_is_told(read: Read, index: str) -> None:
    one = read("")
    with pytest.raises(SteeringError, match="no document 'wasps' in the indices that are searched"):
        one([Reference("ants"), Reference("wasps")])
    with pytest.raises(SteeringError, match=f"no document 'wasps' in '{index}'"):
        one([Reference("wasps", index)])


def test_an_index_of_a_document_that_is_not_there_is_told(read: Read) -> None:
    with pytest.raises(SteeringError, match="document 'ants': no index 'nowhere'"):
        read("")([Reference("ants", "nowhere")])
    with pytest.raises(NoIndexError):
        read("", searched="nowhere")([Reference("ants")])


def test_a_document_without_impacts_and_text_is_told(read: Read, index: str) -> None:
    with pytest.raises(SteeringError, match=f"'none' of '{index}' has no impacts, and no text"):
        read("")([Reference("none")])


def test_a_document_is_found_by_its_routing(read: Read, client: OpenSearch, index: str) -> None:
    one = read("")
    mappings = client.indices.get_mapping(index=index)[index]["mappings"]
    settings = {"number_of_shards": 5, "number_of_replicas": 0}
    routed = f"{index}-routed"
    strict = {"mappings": mappings | {"_routing": {"required": True}}, "settings": settings}
    client.indices.create(index=routed, body=strict)
    source = client.get(index=index, id="ants")["_source"]
    client.index(index=routed, id="ants", body=source, params={"routing": "r"})
    assert one([Reference("ants", routed, "r")])[1] == [(routed, "ants")]
    with pytest.raises(SteeringError, match=f"'ants' of '{routed}': .*routing is required"):
        one([Reference("ants", routed)])


@pytest.mark.parametrize(
    ("docs", "error"),
    [
        ([], ReplyError),
        ([{}], ReplyError),
        ([{"_id": "ants", "found": "yes"}], ReplyError),
        ([{"_id": "ants", "error": "no such thing"}], SteeringError),
    ],
)
def test_a_reply_of_any_shape_is_an_error_of_ours(
    read: Read, monkeypatch: pytest.MonkeyPatch, client: OpenSearch, docs: Any, error: type
) -> None:
    one = read("")
    monkeypatch.setattr(client, "mget", lambda **_: {"docs": docs})
    with pytest.raises(error):
        one([Reference("ants")])
