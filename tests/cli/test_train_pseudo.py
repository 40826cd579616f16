import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from splare_os.cli.main import main

pytestmark = pytest.mark.filterwarnings("ignore")  # sae-lens and its dependencies warn at import

TEXT = "Ants carry leaves to their nests. On the leaves grow fungi, and those are what they eat."


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["train", "pseudo", *args])


def test_pairs_are_written_from_texts_alone(tmp_path: Path) -> None:
    source, out = tmp_path / "texts.jsonl", tmp_path / "pairs.jsonl"
    lines = [json.dumps({"name": f"Ants {n}", "body": f"{TEXT} {n}"}) for n in range(9)]
    source.write_text("\n".join([*lines, "{"]))
    fields = ("--text-field", "body", "--title-field", "name")
    done = run(str(source), "--out", str(out), *fields, "--pairs", "4")
    assert done.exit_code == 1  # for the line that is none
    assert json.loads(done.stdout) == {"pairs": 4, "out": str(out)}
    assert "texts.jsonl:10" in done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [list(row) for row in rows] == [["query", "positive"]] * 4


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    out.write_text("mine")
    done = run(str(out), "--out", str(out))
    assert (done.exit_code, out.read_text()) == (2, "mine")
    assert "is there already" in done.stderr
