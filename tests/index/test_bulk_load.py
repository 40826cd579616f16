"""An index in bulk load: set back at the end, after a failure, and after a kill."""

import orjson
import pytest
from opensearchpy import OpenSearch

from splare_os.errors import BulkError, JobError
from splare_os.index import IngestOptions, ingest
from splare_os.index.bulk_load import LOADING, SUFFIX, restore_all
from tests.hashing import HashEncoder
from tests.index import faults
from tests.index.chaos import proxied

pytestmark = pytest.mark.opensearch

N = 40


def settings_of(client: OpenSearch, index: str) -> dict[str, str | None]:
    reply = client.indices.get_settings(index=index, params={"flat_settings": "true"})
    found = reply[index]["settings"]
    return {key: found.get(key) for key in LOADING}


@pytest.fixture
def start(client, index, write, tmp_path):
    """Start a run over forty documents, in chunks of four."""
    source = write([{"_id": f"d{k}", "text": f"ants {k}"} for k in range(N)])

    def run(**options: object):
        chosen = {"chunk_documents": 4, "state_folder": tmp_path / "state", "bulk_load": True}
        return ingest(client, HashEncoder(), [source], IngestOptions(index, **chosen | options))

    return run


@pytest.fixture
def former(client, index) -> dict[str, str | None]:
    """An index with a refresh interval of its own, and nothing said of replicas that expand."""
    body = {"settings": {"refresh_interval": "7s", "number_of_replicas": 1}}
    client.indices.create(index=index, body=body)
    return settings_of(client, index)


def test_an_index_is_set_back_at_the_end(client, index, start, former, tmp_path):
    outcomes = iter(start())
    next(outcomes)
    assert settings_of(client, index) == LOADING
    assert len(list(outcomes)) == N - 1
    assert settings_of(client, index) == former == {
        "index.refresh_interval": "7s",
        "index.number_of_replicas": "1",
        "index.auto_expand_replicas": None,
    }  # fmt: skip
    assert client.count(index=index)["count"] == N
    assert not list((tmp_path / "state").glob(f"*{SUFFIX}"))


def test_a_load_of_another_state_folder_does_not_keep_what_the_first_has_set(
    client, index, start, former, tmp_path, caplog
):
    first = iter(start())
    next(first)
    second = iter(start(state_folder=tmp_path / "other"))
    next(second)
    list(first)
    assert settings_of(client, index) == former
    list(second)
    assert settings_of(client, index) == former
    assert "in bulk load already" in caplog.text
    assert not list((tmp_path / "other").glob(f"*{SUFFIX}"))


def test_a_new_index_is_set_back_to_what_it_was_made_with(client, index, start):
    list(start())
    found = settings_of(client, index)
    assert found["index.auto_expand_replicas"] == "0-1"
    assert found["index.refresh_interval"] is None


def test_an_index_is_set_back_when_its_run_is_left(client, index, start, former):
    outcomes = iter(start())
    next(outcomes)
    outcomes.close()
    assert settings_of(client, index) == former


def killed(start) -> None:
    """Leave a run, and what was set, as a kill does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("splare_os.index.bulk_load._try_last", lambda *_: None)
        outcomes = iter(start())
        next(outcomes)
        outcomes.close()


@pytest.mark.parametrize("bulk_load", [True, False])
def test_the_next_run_sets_back_what_a_killed_one_has_left(client, index, start, former, bulk_load):
    killed(start)
    assert settings_of(client, index) == LOADING
    list(start(bulk_load=bulk_load))
    assert settings_of(client, index) == former


def test_restore_sets_back_what_killed_runs_have_left(client, index, start, former, tmp_path):
    killed(start)
    assert list(restore_all(client, tmp_path / "state")) == [(index, "restored")]
    assert settings_of(client, index) == former
    assert list(restore_all(client, tmp_path / "state")) == []


def test_an_index_that_is_gone_is_not_set_back(client, index, start, former, tmp_path):
    killed(start)
    client.indices.delete(index=index)
    client.indices.create(index=index)
    before = settings_of(client, index)
    assert list(restore_all(client, tmp_path / "state")) == [(index, "gone")]
    assert settings_of(client, index) == before


def test_one_job_at_a_time_bulk_loads_an_index(client, index, start, former, write, tmp_path):
    outcomes = iter(start())
    next(outcomes)
    other = [write([{"_id": "x", "text": "bees"}], "other.jsonl")]
    options = IngestOptions(index, state_folder=tmp_path / "state", bulk_load=True)
    with pytest.raises(JobError, match="another job bulk loads this index"):
        list(ingest(client, HashEncoder(), other, options))
    assert list(restore_all(client, tmp_path / "state"))[0][1] == "busy"
    options = IngestOptions(index, state_folder=tmp_path / "state")
    list(ingest(client, HashEncoder(), other, options))
    assert settings_of(client, index) == LOADING
    list(outcomes)
    assert settings_of(client, index) == former


@pytest.mark.usefixtures("four_tries")
def test_settings_that_cannot_be_set_back_are_told(client, index, start, former, tmp_path):
    outcomes = iter(start())
    next(outcomes)
    (path,) = (tmp_path / "state").glob(f"*{SUFFIX}")
    body = orjson.loads(path.read_bytes())
    body["settings"]["index.refresh_interval"] = "no time"
    path.write_bytes(orjson.dumps(body))
    with pytest.raises(BulkError, match="all documents are in.*Set them back by `splare-os jobs"):
        list(outcomes)


def test_an_index_is_merged_at_the_end(client, index, start):
    list(start(bulk_load=False, force_merge=1, settings={"number_of_shards": "2"}))
    segments = client.indices.segments(index=index)["indices"][index]["shards"]
    assert len(segments) == 2
    assert all(
        copy["num_committed_segments"] <= 1 for copies in segments.values() for copy in copies
    )


@pytest.mark.parametrize("torn", [b"", b'{"cluster":"x","ind'])
@pytest.mark.parametrize("bulk_load", [True, False])
def test_a_file_that_is_not_whole_has_nothing_to_set_back(
    client, index, start, former, tmp_path, torn, bulk_load
):
    killed(start)
    client.indices.put_settings(index=index, body=former)
    [path] = (tmp_path / "state").glob(f"*{SUFFIX}")
    path.write_bytes(torn)
    assert list(restore_all(client, tmp_path / "state")) == []
    list(start(bulk_load=bulk_load))
    assert settings_of(client, index) == former
    assert not list((tmp_path / "state").glob(f"*{SUFFIX}"))


@pytest.mark.usefixtures("four_tries")
def test_a_reply_that_cannot_be_read_is_asked_for_again(cluster_url, tmp_path):
    rule = faults.first(1, faults.says(b"{}"), ["info"])
    with proxied(cluster_url, rule) as proxy, OpenSearch(proxy.url, max_retries=0) as client:
        assert list(restore_all(client, tmp_path)) == []
