from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.evaluate.datasets import DataSet, read_dataset
from splare_os.evaluate.encoded import made_by
from splare_os.evaluate.indexing import index_name, texts_key
from splare_os.scoring import K1, Scoring
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
def indices(
    data: DataSet, client: OpenSearch, encoder: HashEncoder
) -> Iterator[dict[Scoring, str]]:
    """The names of the encoder's indices for `folder`; they and the texts' gone before and after.

    The encoder has no prior, so lengths do not count: b = 0, beside a mean that does not matter.
    """
    made: dict[Scoring, tuple[str, ...]] = {"calibrated": (str(K1), "0.0", "1.0"), "dot": ()}
    names = {
        scoring: index_name(data, *made_by(encoder), "400", *saturation)
        for scoring, saturation in made.items()
    }
    every = ",".join([*names.values(), index_name(data, "bm25", texts_key())])
    client.indices.delete(index=every, ignore_unavailable=True)
    yield names
    client.indices.delete(index=every, ignore_unavailable=True)


@pytest.fixture
def index(indices: dict[Scoring, str]) -> str:
    """The name of the encoder's index that is made for the usual scoring."""
    return indices["calibrated"]
