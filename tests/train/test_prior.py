import json
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from click.testing import CliRunner

from splare_os.cli.main import main
from splare_os.documents import Fields
from splare_os.encode.load import load_encoder
from splare_os.encode.prior import read_prior
from splare_os.encoder import own_prior
from splare_os.errors import EncoderError, TrainingError
from splare_os.statistics import Statistics
from splare_os.train.prior import add_prior, drawn_evenly, take_prior
from tests.models import build_tiny

TEXTS = ["oil crisis", "oil war embargo", "river", ""]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build_tiny(tmp_path / "bert").save(tmp_path / "tiny")
    return tmp_path / "tiny"


def test_a_prior_counts_the_documents_of_texts(folder: Path) -> None:
    encoder = load_encoder(str(folder), dtype="float32")
    found, true = take_prior(encoder, TEXTS), Statistics.of(encoder.encode_documents(TEXTS))
    assert found.documents == 4
    assert found.document_frequency.tolist() == true.document_frequency.tolist()


def test_a_folder_keeps_its_prior_and_its_fingerprint(folder: Path, tmp_path: Path) -> None:
    bare = load_encoder(str(folder), dtype="float32")
    assert own_prior(bare) is None
    report = add_prior(folder, bare, TEXTS)
    assert (report.texts, report.latents > 0) == (4, True)
    encoder = load_encoder(str(folder), dtype="float32")
    assert encoder.fingerprint == bare.fingerprint
    prior = own_prior(encoder)
    assert prior is not None
    assert prior.mean_length == pytest.approx(report.mean_length, abs=1e-3)
    encoder.save(tmp_path / "again")  # type: ignore[attr-defined]
    again = load_encoder(str(tmp_path / "again"), dtype="float32")
    assert again.fingerprint == bare.fingerprint
    kept = own_prior(again)
    assert kept is not None
    assert kept.document_frequency.tolist() == prior.document_frequency.tolist()


def test_each_file_gives_as_many_texts(tmp_path: Path) -> None:
    sources = []
    for name, n_texts in (("small", 3), ("large", 50)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps({"text": f"{name} {n}"}) + "\n" for n in range(n_texts)))
        sources.append(str(path))
    texts = drawn_evenly(sources, Fields(), n_texts=5, max_chars=10**6)
    assert [text.split()[0] for text in texts] == ["small"] * 3 + ["large"] * 5
    assert texts == drawn_evenly(sources, Fields(), n_texts=5, max_chars=10**6)
    assert texts != drawn_evenly(sources, Fields(), n_texts=5, max_chars=10**6, seed=1)
    with pytest.raises(ValueError, match="n_texts=0"):
        drawn_evenly(sources, Fields(), n_texts=0, max_chars=10**6)


def test_the_command_tells_what_it_took_and_which_lines_are_none(
    folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "oil crisis"}\n{"text": "river"}\n{\n')
    result = CliRunner().invoke(main, ["train", "prior", str(path), "--model", str(folder)])
    assert result.exit_code == 1  # a line is no document
    report = json.loads(result.stdout)
    assert (report["texts"], report["model"]) == (2, str(folder))
    assert own_prior(load_encoder(str(folder))) is not None


@pytest.mark.parametrize("name", ["mini", "here"])
def test_the_command_writes_to_a_model_folder_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "oil crisis"}\n')
    result = CliRunner().invoke(main, ["train", "prior", str(path), "--model", name])
    assert result.exit_code != 0
    assert "is no model folder" in result.output or "does not exist" in result.output


def test_texts_without_a_latent_are_refused(folder: Path) -> None:
    with pytest.raises(TrainingError, match="no latent in 2 texts"):
        add_prior(folder, load_encoder(str(folder)), ["", " "])


def test_a_place_that_is_no_model_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is no model folder"):
        add_prior(tmp_path / "nowhere", load_encoder(str(folder)), TEXTS)


def test_a_prior_that_cannot_be_written_leaves_the_one_that_is_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load_encoder(str(folder))
    add_prior(folder, encoder, TEXTS)
    before = (folder / "prior.npz").read_bytes()

    def break_off(file: BinaryIO, **_: object) -> None:
        file.write(b"PK")
        raise OSError("disk full")

    monkeypatch.setattr("splare_os.encode.prior.np.savez_compressed", break_off)
    with pytest.raises(TrainingError, match="cannot be written: disk full"):
        add_prior(folder, encoder, TEXTS[:2])
    assert (folder / "prior.npz").read_bytes() == before


def test_a_damaged_prior_is_told(folder: Path) -> None:
    (folder / "prior.npz").write_bytes(b"PK")
    with pytest.raises(
        EncoderError, match=r"prior.npz cannot be read .*: delete it, and take the prior"
    ):
        read_prior(folder, 64)


def test_a_prior_of_another_width_is_told(folder: Path) -> None:
    np.savez(folder / "prior.npz", documents=1, document_frequency=np.ones(3), length=1.0)
    with pytest.raises(EncoderError, match="is of 3 latents, the model has 64"):
        read_prior(folder, 64)
