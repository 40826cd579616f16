from pathlib import Path

import pytest

from tests.evaluate.folders import save_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A BEIR folder named `tiny`."""
    return save_folder(tmp_path / "tiny")


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
