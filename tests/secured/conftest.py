from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.connection import open_client, tls_context
from splare_os.errors import ClusterError
from splare_os.layout.pipeline import DEAD_LETTERS, dead_letters_template
from splare_os.search import SplareOpenSearch
from tests.secured.cluster import SECURED_2, Secured, password_of, secured
from tests.secured.duties import APP, ENCODER, INDEX
from tests.servers import fetch

EVERY = f"{INDEX}*,splare-*,.splare-*"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """One OpenSearch with the security plugin and the roles of `examples/deploy/`."""
    try:
        fetch(SECURED_2)
    except ClusterError as error:
        pytest.skip(f"no OpenSearch with the security plugin: {error}")
    with secured(tmp_path_factory.mktemp("certificates")) as found:
        yield found


@pytest.fixture
def stocked(cluster: Secured) -> Iterator[OpenSearch]:
    """The cluster's administrator; there are an application's documents and a dead letter."""
    admin = cluster.admin
    admin.indices.create(index=DEAD_LETTERS, body=dead_letters_template()["template"])
    letter = {"index": INDEX, "id": "7", "document": {"text": "a war"}, "@timestamp": "2026-01-01"}
    admin.index(index=DEAD_LETTERS, body=letter, refresh=True)
    for name in ("a", "b"):
        admin.index(index=APP, id=name, body={"body": f"the oil {name}"}, refresh=True)
    yield admin
    params = {"expand_wildcards": "all", "ignore_unavailable": "true"}
    admin.indices.delete(index=EVERY, params=params)


@pytest.fixture
def worker(cluster: Secured) -> Iterator[OpenSearch]:
    """A client of who has the worker's role alone."""
    who = cluster.connection(user="worker", password=password_of("worker"))
    with open_client(who, pool_maxsize=8) as client:
        yield client


@pytest.fixture
def client(cluster: Secured) -> Iterator[SplareOpenSearch]:
    """An application's client, of who has the client's role alone."""
    login = ("client", password_of("client"))
    tls = tls_context(cluster.connection())
    with SplareOpenSearch(cluster.url, encoder=ENCODER, http_auth=login, ssl_context=tls) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Documents and ledgers lie here."""
    return tmp_path
