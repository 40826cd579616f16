import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from transformers import AutoModelForMaskedLM
from transformers.utils import logging

from splare_os.cli.main import main
from tests.models import save_bert
from tests.train.adapt.test_training import TEXTS

pytestmark = pytest.mark.filterwarnings("ignore")  # of sae-lens' dependencies, at import


def adapt(tmp_path: Path, lines: list[str], *more: str) -> Result:
    save_bert(tmp_path / "bert")
    source = tmp_path / "texts.jsonl"
    source.write_text("\n".join(lines), encoding="utf-8")
    where = ("--backbone", str(tmp_path / "bert"), "--out", str(tmp_path / "out"))
    small = ("--steps", "4", "--batch", "128", "--window", "32", "--evaluate-every", "2")
    args = ("train", "adapt", str(source), *where, *small, "--mask-token", "-", *more)
    return CliRunner().invoke(main, args)


def test_the_command_writes_a_model_and_prints_its_curve(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text}) for text in TEXTS]
    result = adapt(tmp_path, [*lines, "{"], "--device", "cpu", "--no-autocast")
    assert result.exit_code == 1, result.output  # one line is no document
    (report,) = map(json.loads, result.stdout.splitlines())
    assert [step for step, _ in report["curve"]] == [2, 4]
    assert {"before", "after", "steps", "n_tokens", "levelled_off", "model"} <= report.keys()
    assert "texts.jsonl:73: invalid JSON" in result.stderr
    AutoModelForMaskedLM.from_pretrained(report["model"])


def test_transformers_does_not_tell_of_the_weights_that_a_fresh_head_lacks(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.set_verbosity_warning()
    lines = [json.dumps({"text": text}) for text in TEXTS]
    assert adapt(tmp_path, lines, "--device", "cpu").exit_code == 0
    assert "LOAD REPORT" not in capfd.readouterr().err
    assert logging.get_verbosity() == logging.ERROR


def test_a_short_text_is_left_out(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text}) for text in [*TEXTS, "war"]]
    result = adapt(tmp_path, lines, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["steps"] == 4


def test_a_backbone_that_is_not_there_is_told_in_a_line(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text}) for text in TEXTS]
    result = adapt(tmp_path, lines, "--device", "cpu", "--backbone", "nowhere")
    assert result.exit_code == 1
    assert "Error: backbone 'nowhere' cannot be read" in result.stderr


def test_a_folder_that_is_there_is_told_of_before_texts_are_read(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    result = adapt(tmp_path, ["{"], "--device", "cpu")
    assert result.exit_code == 2
    assert "out is there already: choose another folder" in result.stderr
    assert "invalid JSON" not in result.stderr
