from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.evaluate.datasets import DataSet, read_dataset
from splare_os.evaluate.encoded import made_by
from splare_os.evaluate.indexing import index_name, texts_key
from tests.evaluate.folders import save_folder
from tests.hashing import HashEncoder


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A BEIR folder named `tiny`."""
    return save_folder(tmp_path / "tiny")


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder(n_latents=1 << 16)


@pytest.fixture
def data(folder: Path) -> DataSet:
    return read_dataset(folder, "tiny")


@pytest.fixture
def index(data: DataSet, client: OpenSearch, encoder: HashEncoder) -> Iterator[str]:
    """The name of the encoder's index for `folder`; it and the texts' gone before and after."""
    names = index_name(data, *made_by(encoder), "400"), index_name(data, "bm25", texts_key())
    client.indices.delete(index=",".join(names), ignore_unavailable=True)
    yield names[0]
    client.indices.delete(index=",".join(names), ignore_unavailable=True)
