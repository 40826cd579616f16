from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import BertModel

from splare_os.errors import TrainingError
from splare_os.train.e5.folder import save_e5, shape_of
from splare_os.train.e5.packages import BERT_TOKENS
from tests.models import save_tokenizer
from tests.train.e5.small import tiny

SPECIAL = {kind: token for kind, token in BERT_TOKENS.items() if kind != "mask_token"}


def tokenizer(folder: Path) -> bytes:
    save_tokenizer(folder)
    return (folder / "tokenizer.json").read_bytes()


def test_the_folder_is_a_bi_encoder_with_prompts_and_mean_pooling(tmp_path: Path) -> None:
    weights = tiny()
    shape = shape_of(weights, head_size=16)
    out = tmp_path / "e5"
    save_e5(weights, shape, tokenizer(tmp_path / "t"), out, special=SPECIAL, readme="whence\n")
    model = SentenceTransformer(str(out), device="cpu")
    assert model.max_seq_length == 64
    assert (out / "README.md").read_text() == "whence\n"
    inputs = model.tokenizer("passage: oil crisis", return_tensors="pt")
    plain = BertModel.from_pretrained(out)
    with torch.no_grad():
        states = plain(**inputs).last_hidden_state[0]
    expected = torch.nn.functional.normalize(states.mean(dim=0), dim=0)
    found = torch.from_numpy(model.encode_document(["oil crisis"]))[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    asked = model.encode_query(["oil crisis"])
    assert not torch.allclose(torch.from_numpy(asked)[0], found, atol=1e-4)


def test_two_conversions_are_equal_to_the_bit(tmp_path: Path) -> None:
    weights = tiny()
    content = tokenizer(tmp_path / "t")
    for name in ("one", "two"):
        shape = shape_of(weights, head_size=16)
        save_e5(weights, shape, content, tmp_path / name, special=SPECIAL, readme="")
    one, two = (tmp_path / name / "model.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_weights_that_are_missing_or_left_over_are_refused(tmp_path: Path) -> None:
    weights = tiny()
    shape, content = shape_of(weights, head_size=16), tokenizer(tmp_path / "t")
    lost = {name: tensor for name, tensor in weights.items() if "1.output.dense.w" not in name}
    more = weights | {"more": weights["embeddings.LayerNorm.bias"]}
    for wrong, what in ((lost, "Missing"), (more, "Unexpected")):
        with pytest.raises(TrainingError, match=f"not of a BERT of shape [^:]*:(.|\\n)*{what}"):
            save_e5(wrong, shape, content, tmp_path / "e5", special=SPECIAL, readme="")
        assert not (tmp_path / "e5").exists()
    del weights["embeddings.word_embeddings.weight"]
    with pytest.raises(TrainingError, match="not a BERT"):
        shape_of(weights, head_size=16)
