import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from transformers import T5Config

from splare_os.cli.main import main
from splare_os.encode import SplareEncoder
from splare_os.encode.load import load_encoder
from splare_os.encode.sae.files import read_sae
from splare_os.errors import EncoderError, TrainingError
from splare_os.train.sae import Progress, SaeJob, train_sae_model
from splare_os.train.sae import job as module
from tests.train.sae.conftest import SAE, STATES

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore"),  # sae-lens and its dependencies warn at import
]


@pytest.mark.parametrize("family", ["bert", "gemma2"])
@pytest.mark.parametrize("activation", ["batchtopk", "topk", "jumprelu"])
def test_a_job_makes_a_model_folder_and_an_sae_that_both_encode_alike(
    family: str, activation: str, texts: str, job: SaeJob, backbones: dict[str, str]
) -> None:
    options = replace(SAE, activation=activation)
    job = replace(job, backbone=backbones[family], sae=options, name="mine")
    report = train_sae_model([texts], job)
    assert (report.n_texts, report.n_bad_lines, report.n_held_out) == (200, 1, 200)
    assert report.levelled == report.relu == (activation != "topk")
    assert 0 < report.explained_variance < 1
    encoder = load_encoder(str(job.out), device="cpu", dtype="float32")
    assert (encoder.name, encoder.fingerprint) == ("mine", report.fingerprint)
    assert encoder.n_latents == 64
    found = read_sae(Path(report.sae))
    assert (found.n_blocks, found.sae.top_k) == (2, 4 if activation == "topk" else None)
    imported = SplareEncoder.from_sae(report.sae, backbone=backbones[family], window=32)
    if report.relu:
        imported.pooling.sae.make_relu()
    for name, tensor in imported.pooling.sae.named_parameters():
        torch.testing.assert_close(tensor, getattr(encoder.pooling.sae, name), rtol=0, atol=0)
    some = ["oil crisis", "the price of war " * 20, ""]
    difference = imported.encode_documents(some) - encoder.encode_documents(some)
    assert abs(difference).max() < 1e-5
    assert not job.work_folder.exists()


def test_the_saved_sae_has_its_decoder_and_says_where_it_reads(texts: str, job: SaeJob) -> None:
    from sae_lens import SAE as SaeLens

    report = train_sae_model([texts], replace(job, keep_work=True, level=False))
    theirs = SaeLens.load_from_disk(report.sae)
    assert theirs.cfg.metadata.hook_name == "blocks.1.hook_resid_post"
    assert theirs.cfg.metadata.model_name == "bert"  # no path of this machine
    held_out = module.whole_states(job.work_folder / "states").part(0, 200).read(slice(None))
    with torch.no_grad():
        error = (theirs(held_out) - held_out).square().sum()
    explained = 1 - error / (held_out - held_out.mean(dim=0)).square().sum()
    assert float(explained) == pytest.approx(report.explained_variance, abs=1e-4)


@pytest.mark.parametrize("stage", ["token states", "training", "save_model"])
def test_a_job_stopped_anywhere_goes_on_to_the_same_folder(
    stage: str, texts: str, job: SaeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_sae_model([texts], replace(job, out=tmp_path / "whole", name="made"))
    job = replace(job, checkpoint_steps=10)

    def stop(progress: Progress) -> None:
        if progress.stage == stage and progress.done >= progress.total // 2:
            raise KeyboardInterrupt

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if stage == "save_model":
            patch.setattr(SplareEncoder, "save", fail)
        with pytest.raises(KeyboardInterrupt):
            train_sae_model([texts], job, watch=stop)
    assert not job.out.exists()
    if stage != "token states":  # the texts are not read again: there may be none, as from a pipe
        monkeypatch.setattr(module, "draw_texts", fail)
    again = train_sae_model([texts], job)
    assert (again.fingerprint, again.n_bad_lines) == (whole.fingerprint, 1)
    for name in ("sae_weights.safetensors", "cfg.json"):
        ours, theirs = (Path(report.sae, name).read_bytes() for report in (again, whole))
        assert ours == theirs
    assert {path.name for path in tmp_path.iterdir()} == {"made", "made.sae", "whole", "whole.sae"}


def test_other_options_in_a_work_folder_are_refused_with_both_values(
    texts: str, job: SaeJob
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_sae_model([texts], job, watch=_stop_in_training)
    with pytest.raises(TrainingError, match=r"lr=0\.001 there, 0\.002 now"):
        train_sae_model([texts], replace(job, sae=replace(SAE, lr=0.002)))
    with pytest.raises(TrainingError, match=r"layer=1 there, 2 now; window=32 there, 16 now"):
        train_sae_model([texts], replace(job, layer=2, states=replace(STATES, window=16)))


def test_a_run_goes_on_in_the_precision_it_began_with(
    texts: str, job: SaeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(job, sae=replace(SAE, autocast=None))
    best = "splare_os.train.options.best_dtype"
    monkeypatch.setattr(best, lambda _: torch.bfloat16)
    with pytest.raises(KeyboardInterrupt):
        train_sae_model([texts], job, watch=_stop_in_training)
    monkeypatch.setattr(best, lambda _: torch.float32)
    with pytest.raises(TrainingError, match="autocast=True there, False now"):
        train_sae_model([texts], job)
    report = train_sae_model([texts], replace(job, sae=replace(SAE, autocast=True)))
    assert report.options["autocast"] is True


def test_bad_lines_that_an_earlier_run_told_of_count_at_the_end(texts: str, job: SaeJob) -> None:
    where = ("--backbone", job.backbone, "--layer", "1", "--out", str(job.out), "--device", "cpu")
    sizes = ("--width", "64", "--k", "4", "--tokens", "1280", "--batch", "128", "--window", "32")
    command = ["train", "sae", texts, *where, *sizes, "--held-out", "200"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "train_sae", _stop)
        first = CliRunner().invoke(main, command)
    assert "texts.jsonl:201: invalid JSON" in first.stderr
    again = CliRunner().invoke(main, command)
    assert (again.exit_code, json.loads(again.stdout)["n_bad_lines"]) == (1, 1)
    assert "1 lines are no documents, and were left out" in again.stderr


def _stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def _stop_in_training(progress: Progress) -> None:
    if progress.stage == "training":
        raise KeyboardInterrupt


def test_a_work_folder_is_used_by_one_training_at_a_time(texts: str, job: SaeJob) -> None:
    def another(progress: Progress) -> None:
        with pytest.raises(TrainingError, match="in use by another training"):
            train_sae_model([texts], job)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_sae_model([texts], job, watch=another)


def test_folders_of_others_are_left_alone(texts: str, job: SaeJob, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("years")
    for change in ({"out": theirs}, {"work": theirs}):
        with pytest.raises(ValueError, match="theirs"):
            train_sae_model([texts], replace(job, **change))
    assert [path.name for path in theirs.iterdir()] == ["thesis.txt"]


def test_what_cannot_work_is_refused_and_leaves_nothing(
    texts: str, job: SaeJob, tmp_path: Path
) -> None:
    for layer in (4, -1):
        with pytest.raises(ValueError, match=rf"layer={layer}: .* has layers 0 to 3"):
            train_sae_model([texts], replace(job, layer=layer))
    with pytest.raises(EncoderError, match="backbone 'nowhere' cannot be read"):
        train_sae_model([texts], replace(job, backbone="nowhere"))
    with pytest.raises(ValueError, match="hold 2400 tokens, and held_out=5000"):
        train_sae_model([texts], replace(job, states=replace(STATES, held_out=5000)))
    large = replace(SAE, batch_tokens=1900)
    few = replace(STATES, n_states=1900, held_out=1000)
    with pytest.raises(ValueError, match="too few for a batch of 1900"):
        train_sae_model([texts], replace(job, sae=large, states=few))
    assert not [*tmp_path.iterdir()]
    with pytest.raises(ValueError, match="n_states=2000: take at least batch_tokens=4000"):
        replace(job, sae=replace(SAE, batch_tokens=4000, n_tokens=4000))
    for change in ({"level": True}, {"relu": True}):
        with pytest.raises(ValueError, match=f"{[*change][0]}=True: it would change which latents"):
            replace(job, **change, sae=replace(SAE, activation="topk"))
    for change in ({"max_chars": 0}, {"checkpoint_steps": 0}):
        with pytest.raises(ValueError, match="=0: give a number above 0"):
            replace(job, **change)
    with pytest.raises(ValueError, match="save_dtype='int8': choose one of float32, bfloat16"):
        replace(job, save_dtype="int8")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", "{"),
        ("config.json", '{"model_type": "nonsense"}'),
        ("model.safetensors", "half"),
        ("tokenizer.json", '{"added_tokens": [], "mod'),
        ("tokenizer_config.json", "{"),
    ],
)
def test_a_backbone_that_cannot_be_read_is_named(
    file: str, content: str, texts: str, job: SaeJob, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(job.backbone, damaged)
    (damaged / file).write_text(content)
    with pytest.raises(EncoderError, match=f"backbone '{damaged}' cannot be read"):
        train_sae_model([texts], replace(job, backbone=str(damaged)))
    assert [*tmp_path.iterdir()] == [damaged]


def test_other_kinds_of_backbones_are_refused(texts: str, job: SaeJob, tmp_path: Path) -> None:
    T5Config().save_pretrained(tmp_path / "t5")
    with pytest.raises(EncoderError, match="is a 't5' model: choose one of bert"):
        train_sae_model([texts], replace(job, backbone=str(tmp_path / "t5")))


def test_a_full_disk_leaves_nothing_that_would_refuse_fewer_states(
    texts: str, job: SaeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(TrainingError, match="has no room for them"):
        train_sae_model([texts], job)
    assert not [*tmp_path.iterdir()]
