import contextlib
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from splare_os.cli.main import main
from splare_os.cli.train import train

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```\n+```text\n(.*?)```", README, re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]+)\)|<img src=\"([^\"]+)\"")
MOST_BYTES = 300_000


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


def test_every_picture_of_the_readme_and_of_docs_is_there() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    named = [
        page.parent / name
        for page in pages
        for pair in PICTURE.findall(page.read_text(encoding="utf-8"))
        for name in pair
        if name
    ]
    assert len(named) > 30
    assert not [path for path in named if not path.is_file()]


def test_the_recorded_session_is_of_the_commands_that_are_recorded_and_runs_no_script() -> None:
    script = (ROOT / "scripts" / "record-session").read_text(encoding="utf-8")
    picture = ROOT / "docs" / "session.svg"
    root = ElementTree.parse(picture).getroot()
    shown = " ".join("".join(root.itertext()).replace("\xa0", " ").split())
    commands = re.findall(r"^    run '(.+)'$", script, re.MULTILINE)
    assert len(commands) == 3
    assert all(command in shown for command in commands)
    assert '"indexed": 12' in shown
    assert not [each for each in root.iter() if str(each.tag).endswith("}script")]
    assert picture.stat().st_size < MOST_BYTES


def test_the_example_documents_are_documents() -> None:
    lines = (ROOT / "examples" / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    assert all({"_id", "title", "text"} == json.loads(line).keys() for line in lines)
