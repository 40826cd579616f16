from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from splare_os.encode import SplareEncoder
from splare_os.train.distill import words
from splare_os.train.distill.words import lower_logits
from tests.models import save_tokenizer

TEXTS = ["oil crisis price war", "the river of oil", "embargo, 1973"]


@pytest.fixture
def encoder(tmp_path: Path) -> SplareEncoder:
    config = BertConfig(
        vocab_size=save_tokenizer(tmp_path),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    torch.manual_seed(0)
    model = BertForMaskedLM(config)
    for parameter in model.parameters():
        parameter.data.normal_(std=0.5)
    model.save_pretrained(tmp_path)
    return SplareEncoder.from_vocabulary(str(tmp_path), window=32)


def test_so_many_words_stay_active_in_the_mean(
    encoder: SplareEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "ACTIVE_WORDS", 10)
    monkeypatch.setattr(words, "DECIMALS", 9)
    before = encoder.pooling.sae.bias.clone()
    lowered = lower_logits(encoder, TEXTS)
    torch.testing.assert_close(encoder.pooling.sae.bias.data, before - lowered)
    assert encoder.encode_documents(TEXTS).nnz == 10 * len(TEXTS)


def test_what_differs_between_processors_leaves_the_level(
    encoder: SplareEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "ACTIVE_WORDS", 10)
    level = lower_logits(encoder, TEXTS)
    encoder.pooling.sae.bias.data += level + 2e-6
    assert lower_logits(encoder, TEXTS) == level == round(level, 2)


def test_texts_without_a_word_are_refused(encoder: SplareEncoder) -> None:
    with pytest.raises(ValueError, match="no text has a token that is pooled"):
        lower_logits(encoder, [""])
