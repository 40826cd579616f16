from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModel, AutoModelForCausalLM

from splare_os.encode import Card, SaeEncoder, SplareEncoder, load_backbone
from splare_os.encode.load import load_encoder
from splare_os.errors import EncoderError
from tests.encode.backbone.test_backbone import packed_states
from tests.models import save_model

TARGETS = ["q_proj", "v_proj", "down_proj"]


def save_adapter(folder: Path, model: torch.nn.Module) -> torch.nn.Module:
    adapted = get_peft_model(model, LoraConfig(r=2, target_modules=TARGETS))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:  # zero at the start: an adapter that does nothing
            torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(3))
    adapted.save_pretrained(folder)
    return adapted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tmp_path / "llama", "llama")
    return tmp_path / "llama"


@pytest.mark.parametrize("keep", [False, True])
def test_a_cut_model_takes_its_blocks_share_of_an_adapter(
    folder: Path, tmp_path: Path, *, keep: bool
) -> None:
    adapted = save_adapter(tmp_path / "adapter", AutoModel.from_pretrained(folder))
    adapted.merge_and_unload().save_pretrained(folder.with_name("merged"))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder.with_name("merged") / name).write_bytes((folder / name).read_bytes())
    merged = load_backbone(str(folder.with_name("merged")), n_blocks=2, window=32).eval()
    plain = load_backbone(str(folder), n_blocks=2, window=32).eval()
    ours = load_backbone(
        str(folder), n_blocks=2, window=32, adapter=tmp_path / "adapter", keep_adapter=keep
    ).eval()
    (expected,), (states,) = (packed_states(backbone, ["oil war"]) for backbone in (merged, ours))
    torch.testing.assert_close(states, expected, atol=1e-5, rtol=1e-5)
    (without,) = packed_states(plain, ["oil war"])
    assert (states - without).abs().max() > 1e-2
    trained = [name for name, weight in ours.named_parameters() if weight.requires_grad]
    assert (
        all("lora" in name for name in trained) if keep else not any("lora" in n for n in trained)
    )


def test_an_adapter_of_a_model_with_a_head_fits_too(folder: Path, tmp_path: Path) -> None:
    save_adapter(tmp_path / "plain", AutoModel.from_pretrained(folder))
    save_adapter(tmp_path / "headed", AutoModelForCausalLM.from_pretrained(folder))
    one, other = (
        load_backbone(str(folder), n_blocks=2, window=32, adapter=tmp_path / name).eval()
        for name in ("plain", "headed")
    )
    assert packed_states(one, ["oil"])[0].shape == packed_states(other, ["oil"])[0].shape
    before = load_backbone(str(folder), n_blocks=2, window=32).eval()
    (states,), (without,) = packed_states(other, ["oil"]), packed_states(before, ["oil"])
    assert (states - without).abs().max() > 1e-2


def test_saving_merges_an_adapter_that_was_kept(folder: Path, tmp_path: Path) -> None:
    save_adapter(tmp_path / "adapter", AutoModel.from_pretrained(folder))
    backbone = load_backbone(
        str(folder), n_blocks=2, window=32, adapter=tmp_path / "adapter", keep_adapter=True
    )
    sae = SaeEncoder.from_tensors(torch.randn(50, 16), torch.zeros(50), torch.zeros(50))
    encoder = SplareEncoder.build(backbone, sae, Card("tiny", window=32, overlap=4))
    before = encoder.encode_documents(["the oil crisis"])
    encoder.save(tmp_path / "model")
    after = load_encoder(str(tmp_path / "model"), device="cpu", dtype="float32")
    assert abs(before - after.encode_documents(["the oil crisis"])).max() < 1e-4


def test_an_adapter_of_another_model_is_refused(folder: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "short", "llama", layers=1)
    save_adapter(tmp_path / "adapter", AutoModel.from_pretrained(tmp_path / "short"))
    with pytest.raises(EncoderError, match="does not fit LlamaModel"):
        load_backbone(str(folder), n_blocks=2, window=32, adapter=tmp_path / "adapter")
    with pytest.raises(EncoderError, match=r"has no adapter_config\.json"):
        load_backbone(str(folder), n_blocks=2, window=32, adapter=tmp_path)
