import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, BertModel

from splare_os.cli.main import main
from splare_os.encode import SplareEncoder
from splare_os.encode.load import load_encoder
from splare_os.errors import EncoderError, TrainingError
from splare_os.train.distill.job import DistillJob, distill_model
from splare_os.train.distill.trainer import DistillProgress
from tests.models import save_tokenizer
from tests.train.distilling import OPTIONS, build, save_rows, toy_rows

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore"),  # their trainer's own
]
SMALL = [
    *("--steps", "6", "--batch", "6", "--lr", "1e-2", "--rank", "4"),
    *("--held-out", "2", "--max-tokens", "24", "--device", "cpu"),
]
OPTIONS = replace(OPTIONS, steps=6)
TEXTS = ["oil war 3", "the price of the embargo, 17", "river"]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_rows(tmp_path_factory.mktemp("rows") / "rows.jsonl", toy_rows())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models")
    build(folder / "bert").save(folder / "toy")
    return str(folder / "toy")


@pytest.fixture
def job(model: str, tmp_path: Path) -> DistillJob:
    return DistillJob(model, ("bm25",), tmp_path / "made", OPTIONS)


def save_masked(folder: Path, *, head: bool = True) -> str:
    """Write a BERT with its vocabulary head, or without."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=save_tokenizer(folder),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=256,
        initializer_range=0.5,
    )
    (BertForMaskedLM if head else BertModel)(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    return str(folder)


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["train", "distill", *args])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_command_makes_a_model_and_prints_one_line(
    rows: str, model: str, tmp_path: Path
) -> None:
    out = tmp_path / "made"
    where = (rows, "--model", model, "--teacher", "bm25", "--out", str(out))
    cuts = ("--query-top-k", "7", "--document-top-k", "11", "--temperature", "1")
    result = run(*where, *SMALL, *cuts)
    assert result.exit_code == 0, result.output
    (report,) = map(json.loads, result.stdout.splitlines())
    assert (report["model"], report["pairs"]) == (str(out), 48)
    assert report["scales"][0][0] > 0
    assert report["figures"]["steps"] == 6
    before, after = (report["figures"][when]["divergence"] for when in ("before", "after"))
    assert after < before
    assert names(tmp_path) == {"made"}
    encoder = load_encoder(str(out), device="cpu")
    assert (encoder.name, encoder.fingerprint) == ("made", report["fingerprint"])
    assert 0 < np.diff(encoder.encode_queries(TEXTS).indptr).max() <= 7
    assert 7 < np.diff(encoder.encode_documents(TEXTS).indptr).max() <= 11
    again = run(*where, *SMALL)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "made is there already: choose another folder to write" in again.stderr


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("--teacher", "bm52"), "teacher 'bm52': choose from bm25"),
        (("--teacher", "bm25", "--variant", "csr"), "variant='csr': choose one of"),
        (("--teacher", "bm25", "--variant", "splade"), "variant='splade': the model has an SAE"),
        (("--teacher", "bm25", "--steps", "0"), "steps=0"),
        (("--teacher", "bm25", "--batch", "49"), "rows.jsonl has 48 pairs to train on"),
        (("--teacher", "bm25", "--negatives", "3"), "negatives=3 are asked for"),
        (("--teacher", "bm25", "--device", "abacus"), "device='abacus'"),
        (("--teacher", "bm25", "--max-tokens", "33"), "max_tokens=33: the model reads 32 at once"),
        (("--teacher", "bm25", "--max-pairs", "-1"), "max_pairs=-1: give a number above 0"),
        (("--teacher", "scores"), "negatives=0 it has nothing to compare"),
        (("--teacher", "bm25", "--model", "nowhere"), "there is no model 'nowhere'"),
    ],
)
def test_misuse_is_told_in_a_line_and_leaves_nothing(
    args: tuple[str, ...], reason: str, rows: str, model: str, tmp_path: Path
) -> None:
    out = str(tmp_path / "made")
    result = run(rows, "--model", model, "--out", out, *SMALL, *args)
    world = "negatives=3" in reason or "no model" in reason
    assert (result.exit_code, result.stdout) == (1 if world else 2, "")
    assert reason in result.stderr
    assert not names(tmp_path)


def test_bad_pairs_are_told_before_anything_is_loaded(model: str, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"query": "q", "positive": "p", "negatives": null}\n')
    where = ("--model", "nowhere", "--teacher", "bm25", "--out", str(tmp_path / "made"))
    result = run(str(source), *where, *SMALL)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "rows.jsonl, line 1: negatives is None: give a list" in result.stderr
    assert names(tmp_path) == {"rows.jsonl"}


def test_what_needs_no_teacher_is_checked_before_one_is_asked(
    rows: str, job: DistillJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        distill_model([rows], job, watch=stop_at(1))
    monkeypatch.setattr("splare_os.train.distill.job.teaching", None)
    for change, message in (
        ({"negatives": 3}, "negatives=3 are asked for"),
        ({"batch_size": 49}, "too few for batch_size=49"),
        ({"max_tokens": 33}, "max_tokens=33"),
        ({"lr": 0.3}, "begun with other options: lr="),
    ):
        with pytest.raises((ValueError, TrainingError), match=message):
            distill_model([rows], replace(job, options=replace(OPTIONS, **change)))


def test_a_model_that_is_damaged_is_told_of(
    rows: str, model: str, job: DistillJob, tmp_path: Path
) -> None:
    shutil.copytree(model, tmp_path / "damaged")
    masked = save_masked(tmp_path / "masked")
    for file in (*(tmp_path / "damaged").rglob("*.safetensors"), *Path(masked).glob("*.safet*")):
        file.write_bytes(b"half")
    splade = replace(OPTIONS, variant="splade")
    for name, options in (("damaged", OPTIONS), ("masked", splade)):
        with pytest.raises(EncoderError, match=f"model folder .*{name} cannot be read"):
            distill_model([rows], replace(job, model=str(tmp_path / name), options=options))


def stop_at(step: int) -> object:
    def stop(progress: DistillProgress) -> None:
        if progress.step == step:
            raise KeyboardInterrupt

    return stop


@pytest.mark.parametrize("stage", ["training", "saving"])
def test_a_job_that_was_stopped_goes_on_to_the_same_model(
    stage: str, rows: str, job: DistillJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = distill_model([rows], replace(job, out=tmp_path / "whole"))

    def fail(_: object, folder: Path) -> None:
        folder.mkdir()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if stage == "saving":
            patch.setattr(SplareEncoder, "save", fail)
        with pytest.raises(KeyboardInterrupt):
            distill_model([rows], job, watch=stop_at(5 if stage == "training" else 0))
    assert not job.out.exists()
    again = distill_model([rows], job)
    assert (again.fingerprint, again.figures) == (whole.fingerprint, whole.figures)
    assert names(tmp_path) == {"whole", "made"}


def test_folders_of_others_are_left_alone(rows: str, job: DistillJob, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("years")
    with pytest.raises(ValueError, match=r"theirs holds something else \(thesis\.txt\): give a"):
        distill_model([rows], replace(job, work=theirs))
    assert names(theirs) == {"thesis.txt"}


def test_a_work_folder_can_be_kept(rows: str, job: DistillJob, tmp_path: Path) -> None:
    distill_model([rows], replace(job, keep_work=True, work=tmp_path / "work"))
    assert names(tmp_path / "work") == {
        *("checkpoint-4", "checkpoint-6"),
        *("distill.json", "options.json", "lock"),
    }


def test_another_teacher_in_a_work_folder_is_refused(
    rows: str, job: DistillJob, tmp_path: Path
) -> None:
    job = replace(job, options=replace(OPTIONS, negatives=2))
    with pytest.raises(KeyboardInterrupt):
        distill_model([rows], job, watch=stop_at(1))
    with pytest.raises(Exception, match=r"made\.work is of a training with another teacher"):
        distill_model([rows], replace(job, teachers=("scores",)))


def test_a_saved_model_encodes_as_it_did_and_keeps_the_sae_exact(
    rows: str, job: DistillJob, model: str
) -> None:
    report = distill_model([rows], replace(job, name="mine", max_pairs=30))
    assert report.pairs == 30
    encoder = SplareEncoder.load(job.out, device="cpu", dtype="float32")
    assert encoder.name == "mine"
    kept = load_file(next((job.out / "1_SaePooling").glob("*.safetensors")))
    assert kept["sae.weight"].dtype == torch.float16
    before = load_file(next((Path(model) / "1_SaePooling").glob("*.safetensors")))
    assert torch.equal(kept["sae.weight"], before["sae.weight"].half())
    assert torch.equal(kept["sae.bias"], before["sae.bias"] - before["sae.threshold"])
    assert not any(
        "lora" in name for path in job.out.rglob("*.safetensors") for name in load_file(path)
    )


def test_a_masked_language_model_becomes_splade(
    rows: str, job: DistillJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    masked = save_masked(tmp_path / "mlm")
    options = replace(OPTIONS, variant="splade", query_top_k=40, document_top_k=50)
    trained: list[SplareEncoder] = []
    save = SplareEncoder.save

    def note(encoder: SplareEncoder, folder: Path) -> None:
        trained.append(encoder)
        save(encoder, folder)

    monkeypatch.setattr(SplareEncoder, "save", note)
    with pytest.raises(KeyboardInterrupt):
        distill_model([rows], replace(job, model=masked, options=options), watch=stop_at(5))
    distill_model([rows], replace(job, model=masked, options=options))
    encoder = SplareEncoder.load(job.out, device="cpu", dtype="float32")
    trained[0].backbone.float()
    trained[0].pooling.sae.convert(torch.float32)
    expected = trained[0].encode_documents(TEXTS)
    assert expected.nnz
    assert abs(encoder.encode_documents(TEXTS) - expected).max() < 1e-5
    for dtype in ("bfloat16", "float16"):
        rough = SplareEncoder.load(job.out, device="cpu", dtype=dtype).encode_documents(TEXTS)
        assert abs(rough - expected).sum() < 0.1 * expected.sum()


def test_a_model_without_a_trained_head_is_refused(
    rows: str, job: DistillJob, tmp_path: Path
) -> None:
    splade = replace(job, options=replace(OPTIONS, variant="splade"))
    for head, message in ((False, "has no trained vocabulary head"), (True, "is no model with a")):
        folder = tmp_path / ("mlm" if head else "bare")
        save_masked(folder, head=head)
        if head:
            (folder / "config.json").unlink()
        with pytest.raises(EncoderError, match=message):
            distill_model([rows], replace(splade, model=str(folder)))
    with pytest.raises(EncoderError, match=r"has no modules\.json"):
        distill_model([rows], replace(job, model=str(tmp_path / "bare")))
