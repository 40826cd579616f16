"""A backfill opens what it needs patiently."""

import pytest
from opensearchpy import TransportError

from splare_os.index import BackfillOptions, backfill
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch


@pytest.mark.parametrize("name", ["count", "indices.get_settings", "search"])
def test_a_request_at_the_start_that_fails_once_is_sent_again(
    client, index, tmp_path, monkeypatch, name
):
    client.index(index=index, id="a", body={"text": "ants"})
    *path, last = name.split(".")
    owner = getattr(client, path[0]) if path else client
    real, failures = getattr(owner, last), iter([TransportError(503, "unavailable", {})])

    def fails_once(*positional: object, **named: object) -> object:
        for failure in failures:
            raise failure
        return real(*positional, **named)

    monkeypatch.setattr(owner, last, fails_once)
    where, state = {"match_all": {}}, tmp_path / "state"
    run = backfill(client, HashEncoder(), BackfillOptions(index, where=where, state_folder=state))
    assert [outcome.status for outcome in run] == ["indexed"]
