import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from sentence_transformers import SparseEncoder

from splare_os.encode.load import load_encoder
from splare_os.errors import EncoderError, MissingExtraError
from tests.models import build_tiny


def test_code_of_others_is_not_run(tmp_path: Path) -> None:
    modules = [{"idx": 0, "name": "0", "path": "", "type": "evil.module.Model"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(EncoderError, match="would run code of evil"):
        load_encoder(str(tmp_path))


@pytest.mark.parametrize("name", [str, Path])
def test_a_folder_that_is_no_model_is_refused(tmp_path: Path, name: type[str | Path]) -> None:
    with pytest.raises(EncoderError, match=r"has no modules\.json"):
        load_encoder(name(tmp_path))


def test_an_unknown_name_is_refused_with_what_is_possible() -> None:
    with pytest.raises(
        EncoderError, match="there is no model 'maxi': give mini, multi, a model folder"
    ):
        load_encoder("maxi")


def test_a_model_of_another_distribution_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "splare_os_multi", None)  # as if it were not installed
    with pytest.raises(MissingExtraError, match=r"'multi' needs splare_os_multi.*os\[multi\]"):
        load_encoder("multi")
    monkeypatch.delitem(sys.modules, "splare_os_multi")
    package = tmp_path / "splare_os_multi"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    build_tiny(tmp_path / "bert", name="multi").save(package / "model")
    assert load_encoder("multi").name == "multi"
    monkeypatch.delitem(sys.modules, "splare_os_multi")


@pytest.mark.parametrize("damage", ["splare.json", "model.safetensors", "modules.json"])
def test_a_damaged_folder_is_named(tmp_path: Path, damage: str) -> None:
    build_tiny(tmp_path / "bert").save(tmp_path / "model")
    (tmp_path / "model" / damage).write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(EncoderError, match="model folder .* cannot be read .*fetch or save"):
        load_encoder(str(tmp_path / "model"))


@pytest.mark.parametrize("by", ["our encoder", "sentence-transformers"])
def test_what_sentence_transformers_saves_of_a_model_is_the_model(
    tiny_folder: Path, tmp_path: Path, by: str
) -> None:
    original = load_encoder(str(tiny_folder), device="cpu", dtype="float32")
    if by == "our encoder":
        model = original.model
    else:
        model = SparseEncoder(str(tiny_folder), trust_remote_code=True, device="cpu")
    original.encode_queries(["what the tokenizer was last called with"])
    model.save_pretrained(str(tmp_path / "copy"))
    copy = load_encoder(str(tmp_path / "copy"), device="cpu", dtype="float32")
    assert copy.card == original.card  # the fingerprint too: their impacts share an index
    texts = ["oil war", "river " * 50]
    for encode in ("encode_documents", "encode_queries"):
        assert (getattr(copy, encode)(texts) != getattr(original, encode)(texts)).nnz == 0
    with torch.no_grad():
        model[1].sae.bias += 0.01
    model.save_pretrained(str(tmp_path / "trained"))
    trained = load_encoder(str(tmp_path / "trained"), device="cpu", dtype="float32")
    assert trained.fingerprint != original.fingerprint
    (tmp_path / "trained" / "splare.json").unlink()
    with pytest.raises(EncoderError, match=r"has no splare.json: save the model with Splare"):
        load_encoder(str(tmp_path / "trained"))


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"hidden_size": "16"}),
        ("splare.json", {"document_top_k": 1.5}),
        ("splare.json", []),
        ("modules.json", {}),
        ("config_sentence_transformers.json", []),
    ],
)
def test_settings_of_another_kind_are_damage_too(
    tiny_folder: Path, tmp_path: Path, file: str, change: dict[str, object] | list[object]
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "model"))
    content = json.loads((folder / file).read_text())
    changed = content | change if isinstance(change, dict) and change else change
    (folder / file).write_text(json.dumps(changed))
    with pytest.raises(EncoderError, match="model folder .* cannot be read .*fetch or save"):
        load_encoder(folder)
