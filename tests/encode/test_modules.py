"""What model folders call our classes: a contract with every folder that was ever saved."""

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from splare_os.encode import SplareEncoder
from splare_os.encode.card import fingerprint, read_card
from splare_os.encode.load import load_encoder
from splare_os.encode.modules import FIRST_PATHS
from splare_os.errors import EncoderError

NAMES = ["splare_os.encode.Backbone", "splare_os.encode.SaePooling"]
MINI = Path(str(files("splare_os"))) / "mini"
TEXTS = ["the oil crisis", "", "price of oil " * 40]


def types(folder: Path) -> list[str]:
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    return [module["type"] for module in modules]


@pytest.fixture
def old(tiny_folder: Path, tmp_path: Path) -> Path:
    """A model folder as it was saved when the classes were known by the files they lived in."""
    folder = shutil.copytree(tiny_folder, tmp_path / "old")
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    for module in modules:
        module["type"] = FIRST_PATHS[module["type"]]
    (folder / "modules.json").write_text(json.dumps(modules, indent=2), encoding="utf-8")
    return folder


def test_folders_call_our_classes_by_their_public_names(tiny_folder: Path) -> None:
    assert types(tiny_folder) == types(MINI) == NAMES


def test_the_first_names_are_those_that_old_folders_have() -> None:
    assert list(FIRST_PATHS) == NAMES
    assert list(FIRST_PATHS.values()) == [
        "splare_os.encode.backbone.Backbone",
        "splare_os.encode.pooling.SaePooling",
    ]


def test_an_old_folder_gives_the_same_impacts(tiny: SplareEncoder, old: Path) -> None:
    encoder = load_encoder(str(old), device="cpu", dtype="float32")
    difference = encoder.encode_documents(TEXTS) - tiny.encode_documents(TEXTS)
    assert abs(difference).max() < 1e-5  # sums of blocked weights are in another order


def test_an_old_folder_has_the_same_fingerprint_and_keeps_it(
    tiny: SplareEncoder, old: Path, tmp_path: Path
) -> None:
    encoder = SplareEncoder.load(old, device="cpu", dtype="float32")
    assert fingerprint(old, encoder.card) == encoder.fingerprint == tiny.fingerprint
    encoder.save(tmp_path / "new")
    assert types(tmp_path / "new") == NAMES
    assert encoder.fingerprint == tiny.fingerprint


def test_the_fingerprint_of_mini_is_that_of_indices_in_use() -> None:
    card = read_card(MINI)
    assert card is not None
    assert fingerprint(MINI, card) == "37838437876d274b"


EVIL = {
    "Router": (
        "router_config.json",
        {
            "types": {"query_0_Evil": "evil.Evil"},
            "structure": {"query": ["query_0_Evil"]},
            "parameters": {},
        },
    ),
    "Dense": (
        "config.json",
        {"in_features": 300, "out_features": 300, "activation_function": "evil.Evil"},
    ),
}
"""Modules of sentence-transformers, and settings of theirs that name a class."""


@pytest.mark.parametrize("module", EVIL)
def test_code_that_settings_of_a_module_name_is_not_run(
    tiny_folder: Path, tmp_path: Path, module: str
) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    kind = f"sentence_transformers.base.modules.{module}"
    modules.append({"idx": 2, "name": "2", "path": "2", "type": kind})
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    name, settings = EVIL[module]
    (folder / "2").mkdir()
    (folder / "2" / name).write_text(json.dumps(settings), encoding="utf-8")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    with pytest.raises(EncoderError, match="would run code of evil"):
        load_encoder(folder)
    assert not (tmp_path / "ran").exists()
