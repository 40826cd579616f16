"""Where SPLARE fails the application goes on, and its own faults are told as ever."""

import json
from collections.abc import Callable

import pytest
from opensearchpy import NotFoundError, OpenSearch, RequestError
from opensearchpy.exceptions import OpenSearchWarning

from splare_os.errors import EncoderError
from splare_os.search.rules import LogOptions
from tests.hashing import UNREADABLE, HashEncoder

from .conftest import INDEX, Clients, ids

pytestmark = pytest.mark.opensearch

MATCH = {"match": {"text": "oil crisis"}}


def test_where_splare_fails_the_application_goes_on(
    ruled: Clients, client: OpenSearch, tmp_path
) -> None:
    class Unloadable(HashEncoder):
        tries = 0

        def encode_queries(self, texts):  # noqa: ARG002
            Unloadable.tries += 1
            raise EncoderError("its weights are gone")

    body = {"query": MATCH, "size": 5}
    theirs = ids(client.search(index=INDEX, body=body))
    for mode in ("rescore", "hybrid"):
        splare = ruled(LogOptions(tmp_path / mode), Unloadable(), mode=mode)
        with pytest.warns(
            OpenSearchWarning, match="'shop' is searched without SPLARE: its weights"
        ):
            assert ids(splare.search(index=INDEX, body=body)) == theirs
        assert ids(splare.search(index=INDEX, body=body)) == theirs  # not tried again at once
        lines = [json.loads(line) for line in (tmp_path / mode).read_text().splitlines()]
        assert [line["changed"] for line in lines] == [False, False]
        assert lines[0]["why"] == "EncoderError: its weights are gone"
    assert Unloadable.tries == 2
    with pytest.raises(EncoderError, match="weights are gone"):
        ruled(encoder=Unloadable(), on_failure="raise").search(index=INDEX, body=body)


def test_an_index_of_another_model_or_without_impacts_is_searched_as_before(
    ruled: Clients, client: OpenSearch, index: str
) -> None:
    client.index(index=index, id="x", body={"text": "oil crisis"}, refresh=True)
    splare = ruled(indices=(index, INDEX), encoder=HashEncoder(fingerprint="f" * 16))
    for name, message in ((index, "has no impacts field"), (INDEX, "come from the model")):
        with pytest.warns(OpenSearchWarning, match=message):
            assert ids(splare.search(index=name, body={"query": MATCH}))
    with pytest.raises(NotFoundError):
        ruled(indices=("nowhere",)).search(index="nowhere", body={"query": MATCH})


def test_a_text_that_cannot_be_encoded_spoils_no_other_search(ruled: Clients) -> None:
    splare = ruled(mode="hybrid", window=80)
    odd = {"query": {"match": {"text": f"oil {UNREADABLE}"}}, "size": 80}
    with pytest.warns(OpenSearchWarning, match="a word that nobody can read"):
        few = ids(splare.search(index=INDEX, body=odd))
    assert len(ids(splare.search(index=INDEX, body={"query": MATCH, "size": 80}))) > len(few)


@pytest.mark.parametrize("mode", ["rescore", "hybrid"])
def test_what_the_server_refuses_of_ours_is_sent_as_it_was(
    ruled: Clients, client: OpenSearch, mode: str
) -> None:
    limits = {"index.max_rescore_window": 10, "index.max_result_window": 15}
    client.indices.put_settings(index=INDEX, body=limits)
    try:
        body = {"query": MATCH, "size": 5}
        theirs = ids(client.search(index=INDEX, body=body))
        with pytest.warns(OpenSearchWarning, match="(?i)window"):
            assert ids(ruled(mode=mode).search(index=INDEX, body=body)) == theirs
        with pytest.warns(OpenSearchWarning, match="(?i)window"):
            replies = ruled(mode=mode).msearch(body=[{"index": INDEX}, body, {}, {"size": 1}])
        assert ids(replies["responses"][0]) == theirs
        with pytest.raises(RequestError):
            ruled(mode=mode, on_failure="raise").search(index=INDEX, body=body)
    finally:
        client.indices.put_settings(index=INDEX, body=dict.fromkeys(limits))


def test_a_fault_of_the_application_is_told_as_ever_and_blamed_on_nobody(ruled: Clients) -> None:
    splare = ruled(mode="hybrid", window=80)
    faulty = {"query": MATCH, "aggs": {"a": {"no_such": {}}}}
    with pytest.raises(RequestError, match="no_such"):
        splare.search(index=INDEX, body=faulty)
    with pytest.raises(RequestError, match="no_such"):
        splare.msearch(body=[{"index": INDEX}, faulty, {"index": INDEX}, {"query": MATCH}])
    script = {"query": MATCH, "script_fields": {"a": {"script": "no_such("}}}
    replies = splare.msearch(body=[{"index": INDEX}, script, {"index": INDEX}, {"query": MATCH}])
    assert "no_such" in str(replies["responses"][0]["error"])
    assert ids(replies["responses"][1])
    found = ids(splare.search(index=INDEX, body={"query": MATCH, "size": 80}))
    assert len(found) > 40  # SPLARE has not been suspended


@pytest.mark.parametrize("mode", ["rescore", "hybrid"])
def test_a_pattern_that_stands_for_no_index_finds_nothing(
    ruled: Clients, client: OpenSearch, mode: str
) -> None:
    splare = ruled(mode=mode, indices=("void-*",))
    body = {"query": MATCH, "aggs": {"years": {"terms": {"field": "year"}}}}
    ours, theirs = (one.search(index="void-*", body=body) for one in (splare, client))
    assert ours | {"took": 0} == theirs | {"took": 0}
    clause = {"query": {"splare": {"text": "oil"}}}
    assert not ids(splare.search(index="void-*", body=clause))


def test_an_alias_that_moves_to_another_model_is_searched_as_before(
    ruled: Clients, client: OpenSearch, index: str
) -> None:
    client.index(index=index, id="bare", body={"text": "oil crisis"}, refresh=True)
    client.indices.put_alias(index=INDEX, name="counter")
    splare = ruled(indices=("counter",))
    try:
        assert len(ids(splare.search(index="counter", body={"query": MATCH}))) == 10
        moves = [{"remove": {"index": INDEX, "alias": "counter"}}]
        moves += [{"add": {"index": index, "alias": "counter"}}]
        client.indices.update_aliases(body={"actions": moves})
        with pytest.warns(OpenSearchWarning, match="has no impacts field"):
            assert ids(splare.search(index="counter", body={"query": MATCH})) == ["bare"]
    finally:
        client.indices.delete_alias(index="*", name="counter")


def test_nothing_is_fused_with_what_splare_finds_in_some_shards_alone(
    ruled: Clients, client: OpenSearch, with_one_down: Callable[[str], str]
) -> None:
    names, body = with_one_down(INDEX), {"query": MATCH, "size": 40}
    theirs = client.search(index=names, body=body)
    assert theirs["_shards"]["failed"] == 0 < theirs["hits"]["total"]["value"]
    indices = tuple(names.split(","))
    with pytest.warns(OpenSearchWarning, match="not all of its shards answer"):
        found = ruled(mode="hybrid", indices=indices).search(index=names, body=body)
    assert (ids(found), found["_shards"]) == (ids(theirs), theirs["_shards"])
