from collections.abc import Callable
from pathlib import Path

import pytest

from splare_os.encode import SplareEncoder
from tests.models import build_tiny

Snapshot = Callable[[str], Path]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    build_tiny(tmp_path_factory.mktemp("bert")).save(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> SplareEncoder:
    return SplareEncoder.load(tiny_folder, device="cpu", dtype="float32")


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """The folder of a repository's files in a hub cache of this test's own, with no network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def make(repo_id: str) -> Path:
        repository = tmp_path / f"models--{repo_id.replace('/', '--')}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text("0" * 40)
        (repository / "snapshots" / ("0" * 40)).mkdir(parents=True)
        return repository / "snapshots" / ("0" * 40)

    return make
