import json
from pathlib import Path

import pytest

from splare_os.encode.load import load_encoder
from splare_os.errors import EncoderError
from tests.models import build_tiny


def test_code_of_others_is_not_run(tmp_path: Path) -> None:
    modules = [{"idx": 0, "name": "0", "path": "", "type": "evil.module.Model"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(EncoderError, match="would run code of evil"):
        load_encoder(str(tmp_path))


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"has no modules\.json"):
        load_encoder(str(tmp_path))


def test_an_unknown_name_is_refused_with_what_is_possible() -> None:
    with pytest.raises(EncoderError, match="there is no model 'maxi': give mini, a model folder"):
        load_encoder("maxi")


@pytest.mark.parametrize("damage", ["splare.json", "model.safetensors", "modules.json"])
def test_a_damaged_folder_is_named(tmp_path: Path, damage: str) -> None:
    build_tiny(tmp_path / "bert").save(tmp_path / "model")
    (tmp_path / "model" / damage).write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(EncoderError, match="model folder .* cannot be read .*fetch or save"):
        load_encoder(str(tmp_path / "model"))
