from pathlib import Path

import pytest

from splare_os.train.distill.losses import Teacher
from splare_os.train.distill.pairs import TrainingSet, read_pairs
from splare_os.train.distill.teachers import lexical
from tests.train.distilling import save_rows, toy_rows


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    """Toy rows, with negatives and scores."""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    return TrainingSet.of([read_pairs(save_rows(path, toy_rows()))])


@pytest.fixture(scope="session")
def teacher(data: TrainingSet) -> Teacher:
    return lexical(data)


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `build` keeps its backbone."""
    return tmp_path_factory.mktemp("models") / "bert"
