import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models import build_tiny


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tiny")
    build_tiny(tmp_path_factory.mktemp("bert")).save(folder)
    return str(folder)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """A command sets how much of our log is seen; other tests in this process read it too."""
    ours = logging.getLogger("splare_os")
    before = ours.level
    yield
    ours.setLevel(before)
