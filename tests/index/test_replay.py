from collections.abc import Callable, Iterator

import pytest
from opensearchpy import OpenSearch

from splare_os.documents.fields import Fields
from splare_os.errors import BulkError
from splare_os.index import replay
from splare_os.index.patience import set_testing
from splare_os.index.replay import TRIED_ALONE
from splare_os.layout import PIPELINE, ensure_index, put_pipeline
from splare_os.layout.pipeline import DEAD_LETTERS, pipeline_body
from tests.hashing import HashEncoder
from tests.index.faults import in_part, lost, status, truncated
from tests.index.proxy import Fault, Proxy, Request, Rule, passed

pytestmark = pytest.mark.opensearch


@pytest.fixture
def fed(client: OpenSearch, index: str, encoder: HashEncoder) -> str:
    """An index with a default pipeline, and a letter of a document that this could not mend."""
    put_pipeline(client)
    ensure_index(client, index, encoder, Fields())
    client.indices.put_settings(index=index, body={"index": {"default_pipeline": PIPELINE}})
    reply = client.index(index=index, id="bad", body={"text": "oil", "text_splare": 7})
    assert reply["_index"] == DEAD_LETTERS
    return index


def letters(client: OpenSearch, index: str) -> list[dict]:
    client.indices.refresh(index=DEAD_LETTERS)
    body = {"query": {"term": {"index": index}}, "size": 100}
    found = client.search(index=DEAD_LETTERS, body=body)
    return [hit["_source"] for hit in found["hits"]["hits"]]


def test_a_letter_that_fails_again_is_there_once(client: OpenSearch, fed: str) -> None:
    [one] = replay(client, fed)
    assert (one.id, "again" in one.reason) == ("bad", True)
    [letter] = letters(client, fed)
    assert letter["document"] == {"text": "oil", "text_splare": 7}


def test_what_the_index_refuses_stays_a_letter(client: OpenSearch, fed: str) -> None:
    client.indices.put_settings(index=fed, body={"index": {"default_pipeline": None}})
    [one] = replay(client, fed)
    assert "text_splare" in one.reason
    assert len(letters(client, fed)) == 1


def test_letters_of_other_indices_are_left(client: OpenSearch, fed: str) -> None:
    assert list(replay(client, "another")) == []
    assert len(letters(client, fed)) == 1


def test_a_letter_without_a_document_is_told_and_stays(client: OpenSearch, fed: str) -> None:
    body = {"index": fed, "id": "odd", "reason": "written by hand"}
    client.index(index=DEAD_LETTERS, body=body, refresh=True)
    found = {one.id: one.reason for one in replay(client, fed)}
    assert "no document" in found["odd"]
    assert "again" in found["bad"]
    assert {letter["id"] for letter in letters(client, fed)} == {"bad", "odd"}


def changed(client: OpenSearch, change: Callable[[list], list]) -> OpenSearch:
    """The client, but for the items of its first bulk request."""
    answers = iter([change])
    mended = OpenSearch(client.transport.hosts)

    def bulk(**asked: object) -> dict:
        reply = client.bulk(**asked)
        return reply | {"items": next(answers, list)(reply["items"])}

    mended.bulk = bulk
    return mended


def test_letters_stay_where_answers_are_in_another_order(client: OpenSearch, fed: str) -> None:
    client.index(index=fed, id="good", body={"text": "ants", "text_splare": 7}, refresh=True)
    client.indices.put_settings(index=fed, body={"index": {"default_pipeline": None}})
    with pytest.raises(BulkError, match="another order"):
        list(replay(changed(client, lambda items: items[::-1]), fed))
    assert {letter["id"] for letter in letters(client, fed)} == {"bad", "good"}


@pytest.mark.parametrize("error", [{}, {"error": "busy"}])
def test_a_status_decides_where_an_error_tells_nothing(
    client: OpenSearch, fed: str, error: dict[str, str]
) -> None:
    item = {"_index": fed, "_id": "bad", "status": 409} | error
    [one] = replay(changed(client, lambda _: [{"index": item}]), fed)
    assert one.reason == error.get("error", "status 409")
    assert [letter["id"] for letter in letters(client, fed)][:1] == ["bad"]


NEVER_REFRESHED = {"index": {"refresh_interval": -1}}
MENDED = {"processors": [{"remove": {"field": "text_splare", "ignore_missing": True}}]}


@pytest.fixture
def mended(client: OpenSearch, fed: str) -> Iterator[str]:
    """The index of a letter, once its pipeline takes the document."""
    client.ingest.put_pipeline(id=f"{fed}-mended", body=MENDED)
    client.indices.put_settings(index=fed, body={"index": {"default_pipeline": f"{fed}-mended"}})
    yield fed
    client.indices.put_settings(index=fed, body={"index": {"default_pipeline": None}})
    client.ingest.delete_pipeline(id=f"{fed}-mended")


def test_what_is_stored_leaves_the_letters(client: OpenSearch, mended: str) -> None:
    assert [one.reason for one in replay(client, mended)] == [""]
    assert client.get(index=mended, id="bad")["_source"] == {"text": "oil"}
    assert letters(client, mended) == []


LOST = status(404, "search_context_missing_exception")


@pytest.mark.parametrize(("fault", "number"), [(in_part, 0), (in_part, 1), (LOST, 1)])
def test_letters_that_are_read_in_part_are_read_again(
    client: OpenSearch, mended: str, fault: Fault, number: int
) -> None:
    def rule(request: Request) -> Fault:
        return fault if (request.kind, request.number) == ("POST _search", number) else passed

    assert replayed(client, mended, rule) == [""]
    assert letters(client, mended) == []


def test_a_letter_whose_document_a_pipeline_drops_stays(client: OpenSearch, mended: str) -> None:
    client.ingest.put_pipeline(id=f"{mended}-mended", body={"processors": [{"drop": {}}]})
    assert ["dropped by an ingest pipeline" in one.reason for one in replay(client, mended)] == [
        True
    ]
    assert len(letters(client, mended)) == 1


def test_what_was_replayed_is_found_at_once(client: OpenSearch, mended: str) -> None:
    client.indices.put_settings(index=f"{mended},{DEAD_LETTERS}", body=NEVER_REFRESHED)
    try:
        list(replay(client, mended))
        assert client.count(index=mended)["count"] == 1
        left = client.count(index=DEAD_LETTERS, body={"query": {"term": {"index": mended}}})
        assert left["count"] == 0
    finally:
        client.indices.put_settings(index=DEAD_LETTERS, body={"index": {"refresh_interval": None}})


def once(fault: Fault, number: int) -> Rule:
    return lambda request: (
        fault if (request.kind, request.number) == ("POST _bulk", number) else passed
    )


def replayed(client: OpenSearch, index: str, rule: Rule) -> list[str]:
    """Return the reasons of a replay through a proxy."""
    url = "http://{host}:{port}".format(**client.transport.hosts[0])
    with Proxy(url, rule) as proxy, OpenSearch(proxy.url, max_retries=0) as through, set_testing():
        return [one.reason for one in replay(through, index)]


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("fault", [status(503), truncated, lost])
def test_a_request_that_fails_once_is_sent_again(
    client: OpenSearch, mended: str, fault: Fault, number: int
) -> None:
    client.index(index=DEAD_LETTERS, body={"index": mended, "document": {"text": "ants"}})
    assert replayed(client, mended, once(fault, number)) == ["", ""]
    client.indices.refresh(index=mended)
    assert client.count(index=mended)["count"] == 2
    assert letters(client, mended) == []


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("fault", [status(503), truncated, lost])
def test_a_letter_that_fails_again_is_there_once_whatever_is_heard_of_it(
    client: OpenSearch, fed: str, fault: Fault, number: int
) -> None:
    [reason] = replayed(client, fed, once(fault, number))
    assert "again" in reason
    assert [letter["id"] for letter in letters(client, fed)] == ["bad"]


def test_a_document_that_the_cluster_is_too_busy_for_is_sent_again(
    client: OpenSearch, mended: str
) -> None:
    item = {"_index": mended, "_id": "bad", "status": 429, "error": "busy"}
    with set_testing():
        [one] = replay(changed(client, lambda _: [{"index": item}]), mended)
    assert one.reason == ""


def test_of_several_letters_of_a_document_the_last_is_sent(client: OpenSearch, mended: str) -> None:
    late = {"index": mended, "id": "bad", "document": {"text": "newer"}, "@timestamp": "2999-01-01"}
    client.index(index=DEAD_LETTERS, body=late, refresh=True)
    assert [one.reason for one in replay(client, mended)] == [""]
    assert client.get(index=mended, id="bad")["_source"] == {"text": "newer"}
    assert letters(client, mended) == []


def test_a_letter_keeps_the_routing_and_every_field_of_its_document(
    client: OpenSearch, fed: str
) -> None:
    body = {"text": "ants", "_source_of": "a book", "text_splare": 7}
    client.index(index=fed, id="bad", routing="r", body=body)
    assert len(letters(client, fed)) == 2
    client.indices.put_settings(index=fed, body={"index": {"default_pipeline": None}})
    client.ingest.put_pipeline(id=f"{fed}-mended", body=MENDED)
    client.indices.put_settings(index=fed, body={"index": {"default_pipeline": f"{fed}-mended"}})
    assert [one.reason for one in replay(client, fed)] == ["", ""]  # with a routing it is another
    found = client.get(index=fed, id="bad", routing="r")
    assert (found["_routing"], found["_source"]["_source_of"]) == ("r", "a book")
    assert letters(client, fed) == []


class Batching:
    """A client whose pipeline fails every document of a bulk of several, as a model's batch does.

    Alone, those with the text `poison` fail.
    """

    def __init__(self, client: OpenSearch, index: str) -> None:
        self.client, self.name, self.sizes = client, f"{index}-mended", list[int]()
        self.indices, self.search, self.scroll = client.indices, client.search, client.scroll
        self.clear_scroll = client.clear_scroll

    def bulk(self, *, body: bytes, **asked: object) -> dict:
        if n_documents := body.count(b'{"index":{"_index"'):
            self.sizes.append(n_documents)
            fail = {"message": "as a whole"} | (
                {} if n_documents > 1 else {"if": "ctx.text == 'poison'"}
            )
            failing = {"processors": [{"fail": fail}, *MENDED["processors"]]}
            failing["on_failure"] = pipeline_body()["on_failure"]
            self.client.ingest.put_pipeline(id=self.name, body=failing)
        return self.client.bulk(body=body, **asked)


def more_letters(client: OpenSearch, index: str, texts: list[str]) -> None:
    for number, text in enumerate(texts):
        letter = {"index": index, "id": str(number), "document": {"text": text}}
        client.index(index=DEAD_LETTERS, body=letter)


def test_what_a_batch_failed_for_is_sent_alone(client: OpenSearch, mended: str) -> None:
    more_letters(client, mended, ["ants", "poison", "bees"])
    batching = Batching(client, mended)
    found = {one.id: one.reason for one in replay(batching, mended)}
    assert "again" in found.pop("1")
    assert found == {"bad": "", "0": "", "2": ""}
    assert batching.sizes == [4, 1, 1, 1, 1]
    assert [one["id"] for one in letters(client, mended)] == ["1"]


def test_where_nothing_can_be_stored_few_are_sent_alone(client: OpenSearch, mended: str) -> None:
    more_letters(client, mended, ["poison"] * 20)
    client.indices.refresh(index=DEAD_LETTERS)  # a deletion by query removes what is found
    client.delete_by_query(
        index=DEAD_LETTERS, body={"query": {"term": {"id": "bad"}}}, refresh=True
    )
    batching = Batching(client, mended)
    assert all("again" in one.reason for one in replay(batching, mended))
    assert batching.sizes == [20, *[1] * TRIED_ALONE]
    assert len({one["id"] for one in letters(client, mended)}) == 20
