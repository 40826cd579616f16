import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opensearchpy import OpenSearch
from starlette.testclient import TestClient

from splare_os.explore import InTurns, NotingTransport, Place, make_app
from splare_os.index import IngestOptions, ingest
from tests.hashing import WordEncoder

DOCUMENTS = [
    {
        "_id": "oil",
        "title": "Oil crisis",
        "text": "The embargo made oil dear so prices of oil rose",
    },
    {"_id": "river", "title": "Rivers", "text": "A river carries water and some carry oil"},
    {"_id": "bread", "title": "Bread", "text": "Dough rises as yeast makes gas", "pages": [1, 2]},
    {"_id": "long", "title": "Long", "text": "water " * 10_000 + "the end"},
]

Ask = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def place(cluster_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Four documents, one of them long, by words as latents."""
    folder = tmp_path_factory.mktemp("explored")
    path = folder / "docs.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in DOCUMENTS))
    encoder = InTurns(WordEncoder(n_latents=65_536))
    options = {"transport_class": NotingTransport, "timeout": 60}
    with (
        pytest.MonkeyPatch.context() as patch,
        OpenSearch(cluster_url, **options) as client,
    ):
        patch.setenv("XDG_STATE_HOME", str(folder))
        list(ingest(client, encoder, [str(path)], IngestOptions(index="explored")))
        yield Place.find(client, encoder, "explored", text_field=None, address=cluster_url)
        client.indices.delete(index="explored")


@pytest.fixture
def ask(place: Place) -> Iterator[Ask]:
    """Ask a route of the explorer, as its page does: status and JSON."""
    app = make_app(place, host="127.0.0.1")
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as browser:

        def asked(route: str, **question: object) -> tuple[int, dict[str, Any]]:
            reply = browser.post(f"/api/{route}", json=question)
            return reply.status_code, reply.json()

        yield asked


@pytest.fixture(scope="module")
def noting_client(cluster_url: str) -> Iterator[OpenSearch]:
    """A client such as the explorer has."""
    options = {"transport_class": NotingTransport, "timeout": 60}
    with OpenSearch(cluster_url, **options) as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """A Chromium; what asks for it is skipped where there is none."""
    from .browsing import chromium

    with chromium() as one:
        yield one
