import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from splare_os.cluster.home import locate, temporary
from tests.evaluate.folders import save_folder

ROOT = Path(__file__).parents[2]
TORCH_FREE_TESTS = tuple(f"tests/{room}" for room in ("documents", "index", "layout", "search"))
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, as building leaves files behind."""
    folder = tmp_path_factory.mktemp("source")
    return Path(shutil.copytree(ROOT, folder, symlinks=True, ignore=LEFT_OUT, dirs_exist_ok=True))


@pytest.fixture(scope="session")
def distributions(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a source distribution of the checkout, and of the wheel made of that."""
    made = tmp_path_factory.mktemp("distributions")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", made, source]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    (path,) = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to work in, far from the checkout: documents, a data set, a model to be adapted."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(ROOT / "examples" / "documents.jsonl", folder)
    (folder / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "hashing.py", folder / "tests")
    save_folder(folder / "beir")
    adapted = folder / "adapted"
    adapted.mkdir()
    module = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    (adapted / "modules.json").write_text(json.dumps([module]))
    (adapted / "adapter_config.json").write_text("{}")
    return folder


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """Where the embedded cluster would live: not where the user's own may run already."""
    folder = temporary(locate().account)
    yield folder
    shutil.rmtree(folder)
