from pathlib import Path

import pytest

from splare_os.encode import SplareEncoder
from tests.models import build_tiny


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    build_tiny(tmp_path_factory.mktemp("bert")).save(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> SplareEncoder:
    return SplareEncoder.load(tiny_folder, device="cpu", dtype="float32")
