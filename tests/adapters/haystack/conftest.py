import asyncio
from collections.abc import Iterator
from inspect import iscoroutinefunction

import pytest
from haystack import Document

from splare_os.adapters.haystack import SplareDocumentStore
from tests.hashing import HashEncoder

LUCENE = {"space_type": "cosinesimil", "engine": "lucene", "name": "hnsw"}
"""The server's k-NN has no native libraries here, and would end with Haystack's own choice."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "asyncio: Haystack's own mark; run by the hook below")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an asynchronous test of Haystack's in an event loop, in which its store is closed too."""
    if not iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(_run(pyfuncitem, {name: pyfuncitem.funcargs[name] for name in names}))
    return True


async def _run(test: pytest.Function, told: dict[str, object]) -> None:
    try:
        await test.obj(**told)
    finally:
        store = told.get("document_store")
        if isinstance(store, SplareDocumentStore):
            await store.close_async()


def assert_same_documents(received: list[Document], expected: list[Document]) -> None:
    """Compare all but scores, in any order, embeddings as the float32 that they are kept as."""
    assert len(received) == len(expected)
    ours, theirs = (sorted(found, key=lambda one: one.id) for found in (received, expected))
    for one, other in zip(ours, theirs, strict=True):
        assert (one.embedding or []) == pytest.approx(other.embedding or [])
        same = {"score": None, "embedding": None}
        assert one.to_dict(flatten=False) | same == other.to_dict(flatten=False) | same


@pytest.fixture
def store(cluster_url: str, index: str, encoder: HashEncoder) -> Iterator[SplareDocumentStore]:
    made = SplareDocumentStore(
        hosts=cluster_url,
        index=index,
        model=encoder,
        method=LUCENE,
        return_embedding=True,
    )
    yield made
    made.close()
