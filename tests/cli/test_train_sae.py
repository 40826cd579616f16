import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
import torch
from click.testing import CliRunner, Result

from splare_os.cli.main import main
from splare_os.cli.train_adapt import adapt
from splare_os.cli.train_sae import sae
from tests.cli import running
from tests.models import WORDS, save_bert

if TYPE_CHECKING:
    from splare_os.train.sae import SaeJob

pytestmark = pytest.mark.filterwarnings("ignore")  # sae-lens and its dependencies warn at import

SMALL = ("--width", "40", "--k", "3", "--tokens", "1280", "--batch", "128", "--window", "32")

WHERE = ("files", "backbone", "out")


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["train", "sae", *args])


@pytest.fixture
def backbone(tmp_path: Path) -> str:
    save_bert(tmp_path / "bert")
    return str(tmp_path / "bert")


@pytest.fixture
def source(tmp_path: Path) -> str:
    lines = [json.dumps({"body": " ".join(WORDS[n % 5 :])}) for n in range(5)] * 2
    lines += [json.dumps({"body": f"oil {n} war {n * 7}"}) for n in range(200)]
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join([*lines, "{", '{"body": 1}']), encoding="utf-8")
    return str(path)


def test_train_sae_makes_a_model_and_prints_its_figures(
    source: str, backbone: str, tmp_path: Path
) -> None:
    out = tmp_path / "mine"
    where = ("--backbone", backbone, "--layer", "1", "--out", str(out), "--held-out", "100")
    result = run(source, "--text-field", "body", *where, *SMALL)
    assert result.exit_code == 1  # two lines are no documents
    (report,) = map(json.loads, result.stdout.splitlines())
    assert (report["n_bad_lines"], report["n_texts"], report["layer"]) == (2, 210, 1)
    assert report["options"]["width"] == 40
    assert {"explained_variance", "mean_l0", "dead_latents", "fingerprint"} <= report.keys()
    assert f"{source}:211: invalid JSON" in result.stderr
    assert f"{source}:212: field 'body' is a number" in result.stderr
    encoded = running.run("encode", "--model", str(out), "-", stdin="oil war")
    assert json.loads(encoded.stdout)["impacts"]
    again = run(source, "--text-field", "body", *where, *SMALL)
    assert again.exit_code == 2
    assert "exists: give a new folder" in again.stderr


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("--layer", "3"), "has layers 0 to 2"),
        (("--k", "41"), "k=41: keep at most width=40"),
        (("--width", "0"), "width=0"),
        (("--device", "abacus"), "device='abacus'"),
        (("--held-out", "0"), "held_out=0"),
        (("--pooling", "mean"), "pooling='mean': choose one of max, sum"),
        (("--saturation", "tanh"), "saturation='tanh': choose one of log1p, sqrt"),
    ],
)
def test_misuse_is_told_in_a_line(
    args: tuple[str, str], reason: str, source: str, backbone: str, tmp_path: Path
) -> None:
    where = ("--backbone", backbone, "--layer", "1", "--out", str(tmp_path / "mine"))
    result = run(source, *where, *SMALL, *args)
    assert result.exit_code == 2
    assert reason in result.stderr


def chosen(command: click.Command, *args: str) -> dict[str, object]:
    """What a command is called with if no option is given but those it requires and --device."""
    where = ("texts.jsonl", "--backbone", "bert", "--out", "made", "--device", "cpu", *args)
    given = command.make_context(command.name, list(where)).params
    return {name: value for name, value in given.items() if name not in WHERE}


def test_every_option_of_sae_reaches_the_job_with_its_default() -> None:
    from splare_os.train.sae import SaeJob, SaeOptions, StateOptions

    kinds = (StateOptions, SaeOptions, SaeJob)
    known = {field.name: field.default for kind in kinds for field in fields(kind)}
    known |= {"layer": 1, "text_field": "text", "title_field": "title"}
    known |= {"n_tokens": 2_500_000, "n_states": 2_000_000, "held_out": 20_000}  # its own
    found = chosen(sae, "--layer", "1")
    assert found == {name: known.get(name, "nothing") for name in found}


def test_every_option_of_adapt_reaches_the_training_with_its_default() -> None:
    from splare_os.train.adapt import AdaptOptions

    known = {field.name: field.default for field in fields(AdaptOptions)}
    known |= {"text_field": "text", "title_field": "title", "max_chars": 100_000_000}
    found = chosen(adapt)
    assert found == {name: known.get(name, "nothing") for name in found}


@pytest.mark.parametrize("is_fast", [False, True])
def test_states_and_sae_are_computed_in_bfloat16_where_that_is_fast(
    source: str, backbone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_fast: bool
) -> None:
    found = []

    def note(_: object, job: "SaeJob", **__: object) -> None:
        found.append((job.states.autocast, job.sae.autocasts))
        raise KeyboardInterrupt

    dtype = torch.bfloat16 if is_fast else torch.float32
    monkeypatch.setattr("splare_os.train.options.best_dtype", lambda _: dtype)
    monkeypatch.setattr("splare_os.train.sae.train_sae_model", note)
    where = ("--backbone", backbone, "--layer", "1", "--out", str(tmp_path / "mine"))
    run(source, *where, *SMALL)
    run(source, *where, *SMALL, "--autocast")
    assert found == [(is_fast, is_fast), (True, True)]


def test_the_commands_are_listed_without_torch() -> None:
    code = "import sys, splare_os.cli.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert run("--help").exit_code == 0
