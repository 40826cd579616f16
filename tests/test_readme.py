import contextlib
import io
import json
import re
from pathlib import Path

import pytest

from splare_os.cli.main import main
from splare_os.cli.train import train

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```\n+```text\n(.*?)```", README, re.DOTALL)


@pytest.mark.opensearch
@pytest.mark.parametrize(("code", "output"), PYTHON)
def test_the_python_of_the_readme_prints_what_it_says(
    code: str, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    assert printed.getvalue() == output


def test_there_is_python_in_the_readme_to_run() -> None:
    assert len(PYTHON) == 1
    assert README.count("```python") == 1


def test_every_command_is_in_the_readme() -> None:
    names = [*main.commands, *(f"train {name}" for name in train.commands)]
    for name in names:
        assert f"`splare-os {name}" in README, name


def test_every_script_of_the_readme_is_there() -> None:
    for name in re.findall(r"`(scripts/[\w-]+)", README):
        assert (ROOT / name).stat().st_mode & 0o100, name


def test_the_example_documents_are_documents() -> None:
    lines = (ROOT / "examples" / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    assert all({"_id", "title", "text"} == json.loads(line).keys() for line in lines)
