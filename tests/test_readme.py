import contextlib
import io
import json
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest

from splare_os.cli.main import main
from splare_os.cli.train import train
from splare_os.documents import Fields, read_documents

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```\n+```text\n(.*?)```", README, re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]+)\)|<img src=\"([^\"]+)\"")
MOST_BYTES = 300_000
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "splare_os/mini/README.md")),
    *sorted(
        path
        for folder in ("docs", "examples", "packages")
        for path in ROOT.glob(f"{folder}/**/*.md")
    ),
]
LINK = re.compile(r"\]\((?!http)([^)\s#]*)(?:#([^)\s]+))?\)")
FENCE = re.MULTILINE | re.DOTALL
OF_CODE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|json|toml|patch|npz))`")


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


def anchors(page: Path) -> set[str]:
    """Return what headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_links_and_the_code_that_it_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name, anchor in LINK.findall(text):
        target = page.parent / name if name else page
        assert target.exists(), name
        assert not anchor or anchor in anchors(target), f"{name}#{anchor}"
    for name in OF_CODE.findall(text):
        places = (ROOT, ROOT / "splare_os", ROOT / "examples" / "deploy", page.parent)
        assert any((place / name).exists() for place in places), name


def commands(page: Path) -> list[list[str]]:
    """Return the words of each command of ours in the fences of a page."""
    fences = re.findall(r"^```(?:sh|console)?\n(.*?)^```", page.read_text(encoding="utf-8"), FENCE)
    lines = "\n".join(fences).replace("\\\n", " ").splitlines()
    ours = (line.removeprefix("$ ") for line in lines)
    return [shlex.split(line, comments=True) for line in ours if line.startswith("splare-os ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_of_pages_have_options_that_there_are(page: Path) -> None:
    for _, *words in commands(page):
        command: click.Command = main
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        assert command is not main, words
        command.make_parser(click.Context(command)).parse_args(words)  # raises


def test_the_python_of_your_documents_makes_documents_of_what_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "produkte.csv").write_text("sku;text\n1;groß\n", encoding="cp1252")
    (tmp_path / "notes" / "deep").mkdir(parents=True)
    (tmp_path / "notes" / "deep" / "a.md").write_text("# Ants\n\nThey carry leaves.\n")
    long = {"_id": "c", "title": "Lease", "text": "First.\n\nSecond."}
    (tmp_path / "contracts.jsonl").write_text(json.dumps(long))
    page = (ROOT / "docs" / "your-documents.md").read_text(encoding="utf-8")
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(code, "your-documents.md", "exec"), {})
    (row,) = read_documents("products.csv", Fields(id="sku"))
    (note,) = read_documents("notes.jsonl", Fields())
    passages = list(read_documents("passages.jsonl", Fields()))
    assert (row.id, row.text) == ("1", "groß")
    assert (note.id, note.text) == ("notes/deep/a.md", "Ants They carry leaves.")
    assert [one.id for one in passages] == ["c#0", "c#1"]
    assert passages[1].text == "Lease Second."


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
