from collections.abc import Iterator

import pytest

from .serving import Server, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server of hashed words for all tests that need no limits of their own."""
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found
