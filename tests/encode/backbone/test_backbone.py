from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, Gemma3Config, RobertaConfig
from transformers.models.gemma3 import Gemma3ForConditionalGeneration

from splare_os.encode import Backbone, load_backbone
from splare_os.encode.backbone.backbone import FINAL_NORMS
from splare_os.encode.packing import packs
from splare_os.encode.windows import split
from splare_os.errors import EncoderError
from tests.models import save_model, save_tokenizer

TEXTS = ["the oil crisis", "price of oil, 1973", "war", "the river " * 6]


@pytest.fixture(scope="module", params=FINAL_NORMS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    save_model(folder, request.param)
    return folder


@pytest.fixture(scope="module")
def backbone(folder: Path) -> Backbone:
    return load_backbone(str(folder), n_blocks=3, window=32).eval()


def padded_states(backbone: Backbone, texts: list[str]) -> list[Tensor]:
    inputs = backbone.tokenizer(texts, return_tensors="pt", padding=True)
    with torch.inference_mode():
        states = backbone(dict(inputs))["token_embeddings"]
    mask = inputs["attention_mask"].bool()
    return [row[kept] for row, kept in zip(states, mask, strict=True)]


def packed_states(backbone: Backbone, texts: list[str]) -> list[Tensor]:
    windows = split(backbone.tokenizer, texts, size=64, overlap=0)
    (pack,) = packs(windows, max_tokens=1000)
    with torch.inference_mode():
        parts = backbone.packed_states(pack).split(list(pack.segments.lengths))
    return [part for _, part in sorted(zip(pack.windows, parts, strict=True), key=lambda p: p[0])]


def full_states(folder: Path, text: str, n_blocks: int) -> Tensor:
    """What transformers gives: the whole model, made bidirectional, and all its hidden states."""
    config = AutoConfig.from_pretrained(folder)
    config.is_causal = False
    model = AutoModel.from_pretrained(folder, config=config, attn_implementation="eager").eval()
    inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.inference_mode():
        return model(**inputs, output_hidden_states=True).hidden_states[n_blocks][0]


def test_products_have_few_numbers_of_rows_and_states_are_those_of_each_text_alone(
    backbone: Backbone,
) -> None:
    texts, rows = [*TEXTS * 3, TEXTS[0]], set[int]()
    if sum(map(len, packed_states(backbone, texts))) % 16 == 0:
        texts.append(TEXTS[2])
    layers = [one for one in backbone.modules() if isinstance(one, nn.Linear)]
    hooks = [
        one.register_forward_pre_hook(lambda _, given: rows.add(given[0].shape[-2]))
        for one in layers
    ]
    found = packed_states(backbone, texts)
    for hook in hooks:
        hook.remove()
    n_tokens = sum(map(len, found))
    assert n_tokens % 16
    assert rows == {n_tokens + -n_tokens % 16}
    for text, states in zip(texts, found, strict=True):
        torch.testing.assert_close(states, packed_states(backbone, [text])[0])


def test_states_are_those_of_the_full_model_after_the_same_block(
    folder: Path, backbone: Backbone
) -> None:
    for text, states in zip(TEXTS, packed_states(backbone, TEXTS), strict=True):
        torch.testing.assert_close(states, full_states(folder, text, 3), atol=1e-5, rtol=1e-5)


def test_alone_padded_and_packed_agree(backbone: Backbone) -> None:
    padded, together = padded_states(backbone, TEXTS), packed_states(backbone, TEXTS)
    for text, in_batch, in_pack in zip(TEXTS, padded, together, strict=True):
        (alone,) = packed_states(backbone, [text])
        torch.testing.assert_close(in_batch, alone, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(in_pack, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("states_of", [padded_states, packed_states])
def test_the_last_token_changes_the_first_alone_and_beside_longer_texts(
    backbone: Backbone, states_of: object
) -> None:
    assert callable(states_of)
    for others in ([], ["the river of oil " * 2]):
        first, second = (states_of(backbone, [text, *others])[0] for text in ("a b", "a c"))
        assert (first[0] - second[0]).abs().max() > 1e-3


def test_later_blocks_and_the_sentence_pooler_are_not_there(backbone: Backbone) -> None:
    names = dict(backbone.named_parameters())
    assert any(".2." in name for name in names)
    assert not any(".3." in name or "pooler" in name or "lm_head" in name for name in names)


def test_a_saved_backbone_has_the_same_states(backbone: Backbone, tmp_path: Path) -> None:
    backbone.save(str(tmp_path))
    loaded = Backbone.load(str(tmp_path)).eval()
    for before, after in zip(
        packed_states(backbone, TEXTS), packed_states(loaded, TEXTS), strict=True
    ):
        torch.testing.assert_close(before, after, atol=0, rtol=0)


@pytest.mark.parametrize("n_blocks", [0, 5])
def test_a_block_that_the_model_lacks_is_refused(folder: Path, n_blocks: int) -> None:
    with pytest.raises(ValueError, match=f"n_blocks={n_blocks}: .* has blocks 1 to 4"):
        load_backbone(str(folder), n_blocks=n_blocks, window=32)


def test_the_text_model_is_taken_from_a_model_of_text_and_images(tmp_path: Path) -> None:
    save_model(tmp_path / "text", "gemma3_text")
    text = AutoConfig.from_pretrained(tmp_path / "text").to_dict()
    vision = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision |= {"intermediate_size": 16, "image_size": 28, "patch_size": 14}
    config = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    torch.manual_seed(0)
    model = Gemma3ForConditionalGeneration(config)
    for parameter in model.parameters():
        parameter.data.normal_(std=0.3)
    model.save_pretrained(tmp_path / "both")
    save_tokenizer(tmp_path / "both")
    model.model.language_model.save_pretrained(tmp_path / "text")
    ours = load_backbone(str(tmp_path / "both"), n_blocks=2, window=32).eval()
    (states,) = packed_states(ours, ["the oil crisis"])
    expected = full_states(tmp_path / "text", "the oil crisis", 2)
    torch.testing.assert_close(states, expected, atol=1e-5, rtol=1e-5)
    assert not any("vision" in name for name, _ in ours.named_parameters())


def test_a_model_type_that_was_not_checked_is_refused(tmp_path: Path) -> None:
    save_tokenizer(tmp_path)
    RobertaConfig(num_hidden_layers=2).save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="is a 'roberta' model: choose one of bert, gemma2"):
        load_backbone(str(tmp_path), n_blocks=1, window=32)


def test_a_window_longer_than_a_bert_has_positions_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path, "bert")
    with pytest.raises(ValueError, match="window=200: .* has positions for 128 tokens"):
        load_backbone(str(tmp_path), n_blocks=1, window=200)


def test_blocks_changed_in_float32_keep_it_beside_an_embedding_of_16_bits(tmp_path: Path) -> None:
    save_model(tmp_path / "float32", "llama")
    half = AutoModel.from_pretrained(tmp_path / "float32", dtype=torch.bfloat16)
    half.save_pretrained(tmp_path / "half")
    save_tokenizer(tmp_path / "half")
    backbone = load_backbone(str(tmp_path / "half"), n_blocks=2, window=32).eval()
    weight = backbone.model.layers[0].mlp.up_proj.weight
    weight.data += 1e-4  # lost in 16 bits
    (before,) = packed_states(backbone, ["the oil crisis"])
    backbone.save(str(tmp_path / "saved"))
    loaded = Backbone.load(str(tmp_path / "saved")).eval()
    torch.testing.assert_close(loaded.model.layers[0].mlp.up_proj.weight, weight, atol=0, rtol=0)
    torch.testing.assert_close(packed_states(loaded, ["the oil crisis"])[0], before)
