"""The recipe of the broad model, on toy texts under the names that it reads."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from splare_os.encode.load import load_encoder
from tests.evaluate.folders import write
from tests.models import LETTERS, WORDS, save_bert
from tests.train.distill.test_teaching import save_bi_encoder

SCRIPT = Path(__file__).parent.parent / "scripts" / "make-broad"
RECIPE = runpy.run_path(str(SCRIPT), run_name="read")
SAE = (
    "--layer 0 --width 60 --k 3 --tokens 2560 --states 2000 --batch 128 --held-out 100 --window 32"
)
DISTILL = "--steps 2 --batch 8 --held-out 1 --rank 2 --max-tokens 24"


def write_data(data: Path) -> None:
    passages = [f"{WORDS[n % 8]} {LETTERS[n % 20]}. It is number {n} " * 3 for n in range(40)]
    for name in RECIPE["TEXTS"]:
        file = data / "texts" / f"{name}.jsonl.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, [{"title": f"part {n}", "text": text} for n, text in enumerate(passages)])
    pairs = [{"query": f"number {n}?", "positive": text} for n, text in enumerate(passages)]
    write(data / "texts" / "tldr.pairs.jsonl.gz", pairs)
    for name in (*RECIPE["DATA_TEXTS"], *RECIPE["DATA_PAIRS"]):
        folder, _, split = name.partition(":")
        (data / "data" / folder).mkdir(parents=True, exist_ok=True)
        rows = [{"_id": str(n), "text": text} for n, text in enumerate(passages)]
        write(data / "data" / folder / "corpus.jsonl", rows)
        asked = [{"_id": f"q{n}", "text": f"number {n}?"} for n in range(40)]
        write(data / "data" / folder / "queries.jsonl", asked)
        judged = "".join(f"q{n}\t{n}\t1\n" for n in range(40))
        (data / "data" / folder / f"qrels-{split or 'train'}.tsv").write_text(judged)


def save_teacher(folder: Path) -> None:
    Path(save_bi_encoder(folder / "made")).rename(folder / "e5-small-v2")


@pytest.mark.slow
def test_one_command_makes_pseudo_queries_and_the_model(tmp_path: Path) -> None:
    write_data(tmp_path)
    teachers = tmp_path / "teachers"
    save_teacher(teachers)
    out = ["--out", str(tmp_path / "broad"), "--teachers", str(teachers)]
    command = [sys.executable, str(SCRIPT), str(tmp_path), *out, "--sae", SAE]
    save_bert(tmp_path / "bert")
    command += ["--distill", DISTILL, "--backbone", str(tmp_path / "bert")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    made = [json.loads(line) for line in done.stdout.splitlines()]
    assert made[-1]["model"] == str(tmp_path / "broad")
    assert load_encoder(made[-1]["model"]).name == "broad"
    assert made[-2]["backbone"] == str(tmp_path / "bert")
    assert len(list((tmp_path / "broad.pseudo").iterdir())) == len(RECIPE["TEXTS"])
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert again.stdout == ""  # all is there


def test_what_is_missing_is_named_before_anything_is_made(tmp_path: Path) -> None:
    write_data(tmp_path)
    out = ["--out", str(tmp_path / "broad"), "--teachers", str(tmp_path)]
    command = [sys.executable, str(SCRIPT), str(tmp_path), *out]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "e5-small-v2 is no model folder: scripts/fetch-teachers makes it" in done.stderr
    save_teacher(tmp_path)
    (tmp_path / "texts" / "tldr.jsonl.gz").unlink()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{tmp_path} lacks texts/tldr.jsonl.gz" in done.stderr
    assert not (tmp_path / "broad.pseudo").exists()
