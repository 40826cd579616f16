"""Who one is, by password, certificate and token; and what is said where it is not believed."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from opensearchpy import OpenSearch

from splare_os.connection import Connection, find_connection, open_client
from splare_os.documents import Fields
from splare_os.errors import BulkError
from splare_os.impacts import Impacts
from splare_os.index import BackfillOptions, IngestOptions, backfill, ingest
from tests.hashing import WordEncoder
from tests.secured.cluster import Secured, password_of
from tests.secured.duties import APP, ENCODER, ENGLISH, INDEX, LINES

pytestmark = [pytest.mark.opensearch, pytest.mark.slow]

WAYS: dict[str, Callable[[Secured], dict[str, str]]] = {
    "password": lambda _: {"user": "worker", "password": password_of("worker")},
    "certificate": lambda one: {
        "client_cert": str(one.folder / "worker.pem"),
        "client_key": str(one.folder / "worker.key"),
    },
    "token": lambda one: {"bearer_token": one.token("worker")},
}


def run_of(connection: Connection, folder: Path, encoder: WordEncoder = ENCODER) -> list[str]:
    """Index three documents; return what became of them."""
    (folder / "docs.jsonl").write_bytes(LINES)
    options = IngestOptions(INDEX, settings=ENGLISH, state_folder=folder, chunk_documents=1)
    with open_client(connection, pool_maxsize=8) as client:
        run = ingest(client, encoder, [str(folder / "docs.jsonl")], options)
        return [outcome.status for outcome in run]


def refused(connection: Connection, folder: Path) -> str:
    """Return what a run is told; it is told at once, and nothing is done."""
    begun = time.monotonic()
    with pytest.raises(BulkError) as told:
        run_of(connection, folder)
    assert time.monotonic() - begun < 5
    assert not [path for path in folder.glob("*.dead.jsonl") if path.read_bytes()]
    return str(told.value)


@pytest.mark.parametrize("way", WAYS)
def test_there_are_several_ways_in(
    cluster: Secured, stocked: OpenSearch, folder: Path, way: str
) -> None:
    connection = cluster.connection(**WAYS[way](cluster))
    assert run_of(connection, folder) == ["indexed"] * 3
    with open_client(connection) as client:
        who = client.transport.perform_request("GET", "/_plugins/_security/authinfo")
    assert who["user_name"] == "worker"
    stocked.indices.refresh(index=INDEX)
    assert stocked.count(index=INDEX)["count"] == 3


def test_a_file_says_all_of_it(cluster: Secured, stocked: OpenSearch, folder: Path) -> None:
    (folder / "password").write_text(password_of("worker") + "\n")
    (folder / "connection.toml").write_text(
        f'url = "{cluster.url}"\nuser = "worker"\npassword_file = "{folder / "password"}"\n'
        f'ca_certs = "{cluster.folder / "ca.pem"}"\n'
    )
    found = find_connection({"connection": str(folder / "connection.toml")}, environment={})
    assert run_of(found, folder) == ["indexed"] * 3


def test_who_is_not_believed_is_told_once_and_what_helps(cluster: Secured, folder: Path) -> None:
    wrong = cluster.connection(user="worker", password="not the password")
    assert "401" in refused(wrong, folder)
    assert "Say who you are" in refused(wrong, folder)
    assert "not the password" not in refused(wrong, folder)
    assert "401" in refused(cluster.connection(), folder)
    old = cluster.connection(bearer_token=cluster.token("worker", lives_s=-3600))
    assert "401" in refused(old, folder)


def test_who_has_no_role_is_told_the_right_that_is_missing(cluster: Secured, folder: Path) -> None:
    shown = {name: str(cluster.folder / f"stranger.{end}") for name, end in PEM.items()}
    said = refused(cluster.connection(**shown), folder)
    assert "User [name=stranger" in said
    assert "Grant cluster:monitor/main to a role of this user" in said


PEM = {"client_cert": "pem", "client_key": "key"}


def test_a_cluster_of_another_authority_is_told_from_one_that_does_not_answer(
    cluster: Secured, folder: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    who = WAYS["password"](cluster)
    said = refused(cluster.connection(ca_certs=str(folder / "other.pem"), **who), folder)
    assert "CERTIFICATE_VERIFY_FAILED" in said
    assert "Name the certificate authority of the cluster (--ca-certs FILE)" in said
    plain = Connection((cluster.url.replace("https:", "http:"),), **who)
    assert refused(plain, folder)


class Interrupting(WordEncoder):
    """Calls a function before the second text, once."""

    def __init__(self, interrupt: Callable[[], None]) -> None:
        super().__init__()
        self.interrupt, self.n_calls = interrupt, 0

    def encode_documents(self, texts: list[str]) -> Impacts:
        self.n_calls += 1
        if self.n_calls == 2:
            time.sleep(0.5)  # the first is in
            self.interrupt()
        return super().encode_documents(texts)


@pytest.fixture
def changed_password(cluster: Secured) -> Iterator[Callable[[], None]]:
    """Give the worker another password, until the test ends."""
    yield lambda: cluster.put_user("worker", password_of("another"))
    cluster.put_user("worker", password_of("worker"))


def test_a_password_that_ends_in_mid_run_ends_it_and_a_new_one_goes_on(
    cluster: Secured,
    stocked: OpenSearch,
    folder: Path,
    changed_password: Callable[[], None],
) -> None:
    before = cluster.connection(**WAYS["password"](cluster))
    begun = time.monotonic()
    with pytest.raises(BulkError, match="401"):
        run_of(before, folder, Interrupting(changed_password))
    assert time.monotonic() - begun < 10
    after = cluster.connection(user="worker", password=password_of("another"))
    assert len(run_of(after, folder)) in {2, 3}
    stocked.indices.refresh(index=INDEX)
    assert stocked.count(index=INDEX)["count"] == 3
    assert not [path for path in folder.glob("*.dead.jsonl") if path.read_bytes()]


def test_a_backfill_whose_password_ends_can_be_gone_on_with(
    cluster: Secured,
    stocked: OpenSearch,
    folder: Path,
    changed_password: Callable[[], None],
) -> None:
    options = BackfillOptions(
        APP, Fields("body", None), state_folder=folder, share=1.0, page_documents=1
    )
    with (
        open_client(cluster.connection(**WAYS["password"](cluster))) as client,
        pytest.raises(BulkError, match="401"),
    ):
        list(backfill(client, Interrupting(changed_password), options))
    after = cluster.connection(user="worker", password=password_of("another"))
    with open_client(after) as client:
        assert {one.status for one in backfill(client, ENCODER, options)} <= {"indexed"}
    stocked.indices.refresh(index=APP)
    there = stocked.search(index=APP)["hits"]["hits"]
    assert all(hit["_source"]["body_splare"]["count"] for hit in there)
