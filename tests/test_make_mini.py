"""The recipe of the shipped model, on a toy budget: one command, two stages, each made once."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from splare_os.encode.load import load_encoder
from tests.evaluate.folders import write
from tests.models import LETTERS, WORDS, save_bert

SCRIPT = Path(__file__).parent.parent / "scripts" / "make-mini"
SAE = "--layer 0 --width 60 --k 3 --tokens 2560 --batch 128 --window 32 --held-out 100"
DISTILL = "--steps 3 --batch 8 --held-out 1 --rank 2 --max-tokens 24"


def write_set(folder: Path) -> None:
    folder.mkdir()
    texts = [f"{WORDS[n % 8]} {LETTERS[n % 20]} {n}" for n in range(100)]
    write(folder / "corpus.jsonl", [{"_id": str(n), "text": t} for n, t in enumerate(texts)])
    (folder.parent / "broken").mkdir()
    (folder.parent / "broken" / "corpus.jsonl").write_text("{\n")
    write(folder / "queries.jsonl", [{"_id": f"q{n}", "text": str(n)} for n in range(40)])
    judged = "".join(f"q{n}\t{n}\t1\n" for n in range(40))
    (folder / "qrels-train.tsv").write_text(judged)


@pytest.mark.slow
def test_one_command_makes_a_zero_shot_and_a_trained_model(tmp_path: Path) -> None:
    write_set(tmp_path / "toy")
    save_bert(tmp_path / "bert")
    where = ["--out", str(tmp_path / "mini"), "--backbone", str(tmp_path / "bert")]
    texts = "toy toy:train broken"  # a line that is no document ends nothing
    what = ["--texts", texts, "--pairs", "toy", "--sae", SAE, "--distill", DISTILL]
    command = [sys.executable, str(SCRIPT), str(tmp_path), *where, *what]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "mini.zero-shot is made, without the lines" in done.stderr
    made, trained = map(json.loads, done.stdout.splitlines())
    assert made["model"].endswith("mini.zero-shot")
    assert trained["pairs"] == 40
    assert trained["figures"]["before"] != trained["figures"]["after"]
    zero_shot, mini = (load_encoder(str(tmp_path / name)) for name in ("mini.zero-shot", "mini"))
    assert (zero_shot.name, mini.name) == ("mini-zero-shot", "mini")
    assert zero_shot.fingerprint != mini.fingerprint
    part = (tmp_path / "mini.texts" / "toy-train.jsonl").read_text().splitlines()
    assert [json.loads(line)["_id"] for line in part] == [str(n) for n in range(40)]
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (again.stdout, "splare-os train" in again.stderr) == ("", False)
    shutil.rmtree(tmp_path / "mini")
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    (only,) = map(json.loads, again.stdout.splitlines())  # the zero-shot model was there
    assert (only["model"], only["pairs"]) == (trained["model"], 40)
    other = [*command, "--out", str(tmp_path / "other"), "--variant", "sae-splade"]
    base = ["--base", str(tmp_path / "mini.zero-shot")]
    done = subprocess.run([*other, *base], check=True, capture_output=True, text=True)
    (only,) = map(json.loads, done.stdout.splitlines())
    assert load_encoder(only["model"]).name == "sae-splade"


@pytest.mark.slow
def test_the_variant_of_words_begins_with_a_language_model(tmp_path: Path) -> None:
    write_set(tmp_path / "toy")
    save_bert(tmp_path / "bert", positions=256)
    where = ["--out", str(tmp_path / "words"), "--backbone", str(tmp_path / "bert")]
    what = ["--variant", "splade", "--texts", "toy", "--pairs", "toy", "--distill", DISTILL]
    adapt = ["--adapt", "--steps 30 --batch 64 --evaluate-every 30 --lr 5e-3 --mask-token -"]
    command = [sys.executable, str(SCRIPT), str(tmp_path), *where, *what, *adapt]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    adapted, trained = map(json.loads, done.stdout.splitlines())
    assert adapted["model"].endswith("words.language-model")
    assert "flops" not in done.stderr
    words = load_encoder(trained["model"])
    assert words.name == "splade"
    assert words.n_latents == len(words.tokenizer)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--pairs", "toy:dev"], "no judgements of the split 'dev'"),
        (["--texts", "nowhere"], "nowhere has no corpus.jsonl"),
        (["--variant", "spalde"], "'spalde' is not one of"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    args: list[str], message: str, tmp_path: Path
) -> None:
    write_set(tmp_path / "toy")
    save_bert(tmp_path / "bert")
    usual = ["--pairs", "toy", "--out", str(tmp_path / "mini"), "--backbone", str(tmp_path)]
    command = [sys.executable, str(SCRIPT), str(tmp_path), *usual, *args]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr
    assert "splare-os train" not in done.stderr
