import json
import random
from pathlib import Path

import pytest

from splare_os.train.sae import SaeJob, SaeOptions, StateOptions
from tests.models import WORDS, save_model

SAE = SaeOptions(width=64, k=4, n_tokens=128 * 30, batch_tokens=128, autocast=False)
STATES = StateOptions(n_states=2000, held_out=200, window=32)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("texts") / "texts.jsonl"
    drawn = random.Random(0)
    texts = [" ".join(drawn.choices(WORDS, k=12)) for _ in range(200)]
    lines = [json.dumps({"_id": str(n), "text": text}) for n, text in enumerate(texts)]
    path.write_text("\n".join([*lines, "{"]), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("backbones")
    for family in ("bert", "gemma2"):
        save_model(folder / family, family)
    return {family: str(folder / family) for family in ("bert", "gemma2")}


@pytest.fixture
def job(backbones: dict[str, str], tmp_path: Path) -> SaeJob:
    return SaeJob(
        backbone=backbones["bert"], layer=1, out=tmp_path / "made", states=STATES, sae=SAE
    )
