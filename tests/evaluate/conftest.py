from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.evaluate.datasets import read_dataset
from splare_os.evaluate.indexing import index_name
from tests.evaluate.folders import save_folder
from tests.index.hashing import HashEncoder


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A BEIR folder named `tiny`."""
    return save_folder(tmp_path / "tiny")


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder(n_latents=1 << 16)


@pytest.fixture
def index(folder: Path, client: OpenSearch, encoder: HashEncoder) -> Iterator[str]:
    """The name of the index for `folder`, gone before and after."""
    name = index_name(read_dataset(folder, "tiny"), encoder)
    client.indices.delete(index=name, ignore_unavailable=True)
    yield name
    client.indices.delete(index=name, ignore_unavailable=True)
