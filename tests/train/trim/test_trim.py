import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

from splare_os.cli.main import main
from splare_os.encode import load_backbone, load_encoder
from splare_os.encode.backbone.quantized_embedding import EMBEDDING
from splare_os.errors import TrainingError
from splare_os.train.trim import TrimJob, trim, trim_backbone
from tests.train.trim.small import save_unigram_model

Write = Callable[..., str]
TEXTS = [{"text": "the oil the"}, {"text": "oil of the price"}]


@pytest.fixture
def backbone(tmp_path: Path) -> Path:
    save_unigram_model(tmp_path / "model")
    return tmp_path / "model"


def test_a_text_of_kept_pieces_has_the_states_that_it_had(
    backbone: Path, tmp_path: Path, write: Write
) -> None:
    report = trim_backbone(
        [write(TEXTS)], TrimJob(backbone=backbone, out=tmp_path / "small", n_rows=34)
    )
    assert (report.n_pieces, report.rows, report.n_texts) == (38, 34, 2)
    assert (report.seen, report.seen_kept, report.tokens_kept) == (6, 5, 0.88889)  # 8 of 9
    assert report.n_checked == 1  # the other text has "▁price", which fell away
    states = [
        AutoModel.from_pretrained(path)(
            **AutoTokenizer.from_pretrained(path)("the oil", return_tensors="pt")
        )[0]
        for path in (backbone, tmp_path / "small")
    ]
    assert torch.equal(*states)


def test_the_folder_is_one_of_a_dense_model_and_a_backbone(
    backbone: Path, tmp_path: Path, write: Write
) -> None:
    small = tmp_path / "small"
    trim_backbone([write(TEXTS)], TrimJob(backbone=backbone, out=small, n_rows=35))
    before, after = (SentenceTransformer(str(path), device="cpu") for path in (backbone, small))
    assert after.prompts == before.prompts
    assert (after.encode_document("the oil") == before.encode_document("the oil")).all()
    config = json.loads((small / "config.json").read_text("utf-8"))
    assert (config["vocab_size"], config["pad_token_id"]) == (35, 1)
    assert load_backbone(str(small), n_blocks=1, window=32).model.device.type == "cpu"


def test_a_tokenizer_that_cuts_otherwise_is_refused(
    backbone: Path, tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trim.cut_tokenizer

    def broken(*args: object) -> object:
        cut = whole(*args)  # type: ignore[arg-type]
        cut["model"]["vocab"][5][1] = -99.0  # "▁the"
        return cut

    monkeypatch.setattr(trim, "cut_tokenizer", broken)
    with pytest.raises(TrainingError, match="reads 'the oil the' as .* it cannot be cut"):
        trim_backbone([write(TEXTS)], TrimJob(backbone=backbone, out=tmp_path / "x", n_rows=38))
    assert not (tmp_path / "x").exists()


def test_a_model_that_lacks_weights_is_refused(
    backbone: Path, tmp_path: Path, write: Write
) -> None:
    tensors = load_file(backbone / "model.safetensors")
    del tensors["embeddings.word_embeddings.weight"]
    save_file(tensors, backbone / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainingError, match="lacks 1 weights, embeddings.word_embeddings.weight"):
        trim_backbone([write(TEXTS)], TrimJob(backbone=backbone, out=tmp_path / "x", n_rows=38))


def test_the_command_tells_what_is_kept(backbone: Path, tmp_path: Path, write: Write) -> None:
    asked = ["train", "trim", write([*TEXTS, b"{"]), "--backbone", str(backbone), "--rows", "36"]
    done = CliRunner().invoke(main, [*asked, "--out", str(tmp_path / "small")])
    assert done.exit_code == 1, done.stderr
    assert "1 lines are no documents" in done.stderr
    assert json.loads(done.stdout)["rows"] == 36
    again = CliRunner().invoke(main, [*asked, "--out", str(tmp_path / "small")])
    assert again.exit_code == 2
    assert "small exists: give a new folder (--out)" in again.stderr


def test_what_cannot_be_trimmed_is_refused(backbone: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="n_rows=0: give a number above 0"):
        TrimJob(backbone=backbone, out=tmp_path / "x", n_rows=0)
    (backbone / EMBEDDING).touch()
    with pytest.raises(ValueError, match="keeps its token embedding rounded"):
        TrimJob(backbone=backbone, out=tmp_path / "x")
    (backbone / "tokenizer.json").unlink()
    with pytest.raises(ValueError, match=r"has no tokenizer\.json"):
        TrimJob(backbone=backbone, out=tmp_path / "x")


@pytest.mark.usefixtures("one_thread")
@pytest.mark.filterwarnings("ignore")  # sae-lens and its dependencies warn at import
def test_a_model_of_the_folder_has_its_rows_in_8_bits(
    backbone: Path, tmp_path: Path, write: Write
) -> None:
    small, made = tmp_path / "small", tmp_path / "made"
    texts = [
        {"text": f"the oil price of {letter}{other}"} for letter in "abcdef" for other in "xyz"
    ]
    file = write(texts)
    trim_backbone([file], TrimJob(backbone=backbone, out=small, n_rows=36))
    asked = ["train", "sae", file, "--backbone", str(small), "--layer", "1", "--out", str(made)]
    asked += ["--width", "32", "--k", "2", "--tokens", "512", "--batch", "32", "--held-out", "8"]
    asked += ["--window", "32", "--no-autocast", "--device", "cpu", "--save-dtype", "float16"]
    done = CliRunner().invoke(main, [*asked, "--embedding-bits", "8"])
    assert done.exit_code == 0, done.stderr
    with safe_open(made / EMBEDDING, "pt") as rows:
        assert rows.get_slice("rows").get_shape() == [36, 16]
    encoder = load_encoder(str(made), device="cpu", dtype="float32")
    assert encoder.fingerprint == json.loads(done.stdout)["fingerprint"]
    assert encoder.encode_documents(["the oil price"]).nnz
