import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from splare_os.encode import SplareEncoder, load_backbone, load_encoder
from splare_os.encode.backbone.embedding import MappedEmbedding
from splare_os.encode.backbone.quantized_embedding import EMBEDDING, QuantizedEmbedding
from splare_os.errors import EncoderError
from tests.models import build_tiny, save_model

TEXTS = ["the oil crisis of 1973", "river", "what was the price of war?"]


def rounded(folder: Path, bits: int = 8) -> SplareEncoder:
    """Return an encoder whose embedding is in `bits` a number, saved in `folder`."""
    built = build_tiny(folder.with_name("base"))
    built.backbone.round_embedding(bits)
    built.save(folder)
    return built


def table_of(embedding: QuantizedEmbedding) -> torch.Tensor:
    """Return all numbers of rows of at most 32, one by one."""
    if embedding.bits == 8:
        return embedding.rows.float() * embedding.scales[:, None]
    table = []
    for row, scale in zip(
        embedding.rows.tolist(), embedding.scales.flatten().tolist(), strict=True
    ):
        levels = [byte % 16 for byte in row] + [byte // 16 for byte in row]
        table.append([(level - 8) * scale for level in levels])
    return torch.tensor(table)


def test_a_row_is_integers_times_its_scale() -> None:
    source = nn.Embedding.from_pretrained(
        torch.tensor([[1.27, -0.634, 0.0], [0.0, 0.0, 0.0], [254.0, 2.0, -127.0]])
    )
    embedding = QuantizedEmbedding.of(MappedEmbedding(source, torch.float32), 8)
    assert embedding.rows.tolist() == [[127, -63, 0], [0, 0, 0], [127, 1, -64]]
    assert embedding.scales.tolist() == pytest.approx([0.01, 1.0, 2.0])
    found = embedding(torch.tensor([[2, 0]]))
    expected = torch.tensor([[[254.0, 2.0, -128.0], [1.27, -0.63, 0.0]]])
    torch.testing.assert_close(found, expected)


def test_32_numbers_of_4_bits_share_a_scale() -> None:
    first = [-8.0, 7.0, 0.4, 0.6, *[0.0] * 12, *[1.0] * 15, -3.0]
    second = [4.0, -3.5, -4.0, *[0.0] * 29]
    source = nn.Embedding.from_pretrained(torch.tensor([first + second, [0.0] * 64]))
    embedding = QuantizedEmbedding.of(MappedEmbedding(source, torch.float32), 4)
    assert embedding.scales.tolist() == [[1.0, -0.5], [0.0, 0.0]]
    assert embedding.rows.shape == (2, 32)
    # levels 0 15 8 9 8 ... in the low halves, 9 ... 9 5 in the high ones
    assert embedding.rows[0, :16].tolist() == [0x90, 0x9F, 0x98, 0x99, *[0x98] * 11, 0x58]
    found = embedding(torch.tensor([[0, 1]]))
    assert found[0, 0].tolist() == [
        *(-8.0, 7.0, 0.0, 1.0, *[0.0] * 12, *[1.0] * 15, -3.0),
        *(4.0, -3.5, -3.5, *[0.0] * 29),  # levels 0, 15 and 15: 16 would be -4
    ]
    assert not found[0, 1].any()


def test_numbers_that_were_of_4_bits_stay_what_they_are() -> None:
    torch.manual_seed(0)
    once = QuantizedEmbedding.of(MappedEmbedding(nn.Embedding(50, 64), torch.float32), 4)
    numbers = nn.Embedding.from_pretrained(once(torch.arange(50)))
    again = QuantizedEmbedding.of(MappedEmbedding(numbers, torch.float32), 4)
    assert torch.equal(again(torch.arange(50)), numbers.weight)
    assert torch.equal(again.rows, once.rows)


@pytest.mark.parametrize("bits", [4, 3])
def test_bits_that_cannot_be_are_refused(bits: int) -> None:
    source = MappedEmbedding(nn.Embedding(2, 48), torch.float32)
    with pytest.raises(ValueError, match="rows of 48 numbers .* 8 bits|3 bits a number: choose"):
        QuantizedEmbedding.of(source, bits)


def test_no_number_is_further_away_than_half_a_step() -> None:
    torch.manual_seed(0)
    source = nn.Embedding(50, 16)
    embedding = QuantizedEmbedding.of(MappedEmbedding(source, torch.float32), 8)
    error = (embedding(torch.arange(50)) - source.weight).abs()
    assert (error <= source.weight.abs().amax(dim=1, keepdim=True) / 254 * 1.001).all()


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("family", ["bert", "gemma3_text"])
def test_looking_rows_up_equals_a_table_of_all_of_them(
    tmp_path: Path, family: str, bits: int
) -> None:
    save_model(tmp_path, family, width=32)
    backbone = load_backbone(str(tmp_path), n_blocks=2, window=32)
    plain = backbone.model.get_input_embeddings()
    backbone.round_embedding(bits)
    rounded = backbone.model.get_input_embeddings()
    assert isinstance(rounded, QuantizedEmbedding)
    plain.weight.data = table_of(rounded)
    ids = torch.randint(0, rounded.num_embeddings, (3, 7))
    assert torch.equal(rounded(ids), plain(ids))


def test_scales_keep_their_precision_when_the_model_changes_its_own() -> None:
    source = nn.Embedding.from_pretrained(torch.tensor([[1.0, 0.3]]))
    embedding = QuantizedEmbedding.of(MappedEmbedding(source, torch.float32), 8).to(torch.bfloat16)
    assert (embedding.rows.dtype, embedding.scales.dtype) == (torch.int8, torch.float32)
    assert embedding(torch.tensor([0])).dtype == torch.bfloat16


def test_a_saved_model_has_the_rows_in_one_file_and_the_same_impacts(tmp_path: Path) -> None:
    built = rounded(tmp_path / "model")
    assert not [name for name in load_file(tmp_path / "model/model.safetensors") if "word" in name]
    loaded = load_encoder(str(tmp_path / "model"), dtype="float32")
    assert loaded.fingerprint == built.fingerprint
    for found, expected in (
        (loaded.encode_documents(TEXTS), built.encode_documents(TEXTS)),
        (loaded.encode_queries(TEXTS), built.encode_queries(TEXTS)),
    ):
        assert abs(found - expected).max() < 1e-5  # sums of blocked weights are in another order
        assert found.nnz


def test_a_model_saved_again_keeps_its_rows_and_fingerprint(tmp_path: Path) -> None:
    first = rounded(tmp_path / "model").fingerprint
    loaded = load_encoder(str(tmp_path / "model"), dtype="float32")
    assert isinstance(loaded, SplareEncoder)
    loaded.save(tmp_path / "model")  # where its rows are read from
    assert load_encoder(str(tmp_path / "model")).fingerprint == first
    loaded.save(tmp_path / "again")
    assert load_encoder(str(tmp_path / "again")).fingerprint == first


def test_other_rows_are_another_fingerprint(tmp_path: Path) -> None:
    first = rounded(tmp_path / "model")
    tensors = load_file(tmp_path / "model" / EMBEDDING)
    tensors["rows"][0, 0] += 1
    save_file(tensors, tmp_path / "model" / EMBEDDING)
    settings = tmp_path / "model/splare.json"
    settings.write_text(settings.read_text("utf-8").replace(first.fingerprint, ""), "utf-8")
    assert load_encoder(str(tmp_path / "model")).fingerprint != first.fingerprint


def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    rounded(tmp_path / "model")
    file = tmp_path / "model" / EMBEDDING
    tensors = load_file(file)
    save_file(tensors | {"rows": tensors["rows"][1:].clone()}, file)
    with pytest.raises(EncoderError, match="not .* in 8 or 4 bits: it is not of this model"):
        load_encoder(str(tmp_path / "model"))
    save_file({"weight": tensors["rows"]}, file)
    with pytest.raises(EncoderError, match="not rows and scales: fetch or save the model again"):
        load_encoder(str(tmp_path / "model"))


def test_a_model_that_lost_the_file_is_refused(tmp_path: Path) -> None:
    rounded(tmp_path / "model")
    shutil.move(tmp_path / "model" / EMBEDDING, tmp_path)
    with pytest.raises(EncoderError, match="lacks 1 weights, embeddings.word_embeddings.weight"):
        load_encoder(str(tmp_path / "model"))
