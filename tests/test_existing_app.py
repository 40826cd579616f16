"""examples/existing_app/: its own tests pass before and after it moves; what must stay, stays."""

import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opensearchpy import OpenSearch

from splare_os.documents.fields import Fields
from splare_os.encode import load_encoder
from splare_os.index import BackfillOptions, backfill
from splare_os.search import SplareOpenSearch

pytestmark = [pytest.mark.opensearch, pytest.mark.slow]

APP = Path(__file__).parents[1] / "examples" / "existing_app"
QUESTIONS = [json.loads(line) for line in (APP / "questions.jsonl").read_text().splitlines()]
WORDS = ["oil price", "energy", "embargo", *(one["text"] for one in QUESTIONS)]


@dataclass(frozen=True)
class Room:
    """The application as it was, and what it then answered; its folder once it has moved."""

    before: ModuleType
    printed: str
    pages: dict[str, Any]
    completed: list[str]
    moved: Path


@pytest.fixture(scope="module")
def room(
    client: OpenSearch, cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("room")
    before, after = (Path(shutil.copytree(APP, folder / name)) for name in ("before", "after"))
    patch = (after / "moved.patch").read_bytes()
    subprocess.run(["git", "apply", "-"], cwd=after, input=patch, check=True)
    titles = {question["title"] for question in QUESTIONS}
    sample = files("splare_os") / "samples" / "squad-dev.jsonl.gz"
    lines = gzip.decompress(sample.read_bytes()).decode().splitlines(keepends=True)
    some = "".join(line for line in lines if json.loads(line)["title"] in titles)
    (folder / "paragraphs.jsonl.gz").write_bytes(gzip.compress(some.encode()))
    app = imported(before)
    assert app.load(client, folder / "paragraphs.jsonl.gz") == some.count("\n")
    pages = {words: app.search(client, words, per_page=500) for words in WORDS}
    printed = own_tests(before, cluster_url, None)
    completed = app.complete(client, "blac")
    options = BackfillOptions(app.INDEX, Fields("text"), share=1.0, state_folder=folder / "state")
    outcomes = backfill(client, load_encoder("mini"), options)
    assert {outcome.status for outcome in outcomes} == {"indexed"}
    client.indices.refresh(index=app.INDEX)
    yield Room(app, printed, pages, completed, after)
    client.indices.delete(index=app.INDEX)


def imported(folder: Path) -> ModuleType:
    path = folder / "reading_room.py"
    spec = importlib.util.spec_from_file_location(f"reading_room_{folder.name}", path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def own_tests(folder: Path, url: str, rules: Path | None) -> str:
    """Return what the application's own tests print; warnings are errors."""
    environment = {
        **os.environ,
        "READING_ROOM_URL": url,
        "PYTHONPATH": f"{folder}:{APP.parents[1]}",
    }
    environment |= {} if rules is None else {"SPLARE_RULES": str(rules)}
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--rootdir", str(folder), str(folder)],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def by_id(page: Any) -> dict[str, dict[str, str]]:
    return {one.id: asdict(one) for one in page.paragraphs}


def reciprocal_rank(titles: list[str], wanted: str) -> float:
    return 1 / (titles.index(wanted) + 1) if wanted in titles else 0.0


def test_one_import_is_all_that_changes(room: Room) -> None:
    before = (APP / "reading_room.py").read_text().splitlines()
    after = (room.moved / "reading_room.py").read_text().splitlines()
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert changed == [
        (
            "from opensearchpy import OpenSearch",
            "from splare_os.search import SplareOpenSearch as OpenSearch",
        )
    ]


def test_its_own_tests_pass_before_and_after(room: Room, cluster_url: str) -> None:
    assert "10 passed" in room.printed
    assert "10 passed" in own_tests(room.moved, cluster_url, room.moved / "rules.toml")
    lines = [json.loads(line) for line in (room.moved / "searches.jsonl").read_text().splitlines()]
    assert len(lines) >= 20
    assert all(line["changed"] for line in lines)  # SPLARE took part, and never failed


def test_nothing_but_the_order_of_hits_changes_and_questions_find_better(
    room: Room, cluster_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READING_ROOM_URL", cluster_url)
    monkeypatch.setenv("SPLARE_RULES", str(room.moved / "rules.toml"))
    after = imported(room.moved)
    with after.connect() as client:
        pages = {words: after.search(client, words, per_page=500) for words in WORDS}
        assert after.complete(client, "blac") == room.completed == ["Black Death"]
    for words, theirs in room.pages.items():
        ours = pages[words]
        assert (ours.total, ours.facets) == (theirs.total, theirs.facets)
        assert by_id(ours) == by_id(theirs)
        assert len(by_id(ours)) == ours.total
    gains = [
        reciprocal_rank([one.title for one in pages[asked["text"]].paragraphs], asked["title"])
        - reciprocal_rank([one.title for one in theirs.paragraphs], asked["title"])
        for asked in QUESTIONS
        for theirs in [room.pages[asked["text"]]]
    ]
    assert sum(gains) / len(gains) > 0.05
    assert sum(gain > 0 for gain in gains) > 2 * sum(gain < 0 for gain in gains)


def test_before_there_are_impacts_nobody_is_treated(
    client: OpenSearch, cluster_url: str, room: Room, tmp_path: Path
) -> None:
    rules = (room.moved / "rules.toml").read_text()
    (tmp_path / "rules.toml").write_text(rules + "percentage = 0\n")
    with SplareOpenSearch(cluster_url, rules=tmp_path / "rules.toml") as control:
        page = room.before.search(control, "oil price", per_page=500)
    theirs = room.pages["oil price"]  # of an index without impacts
    assert (page.total, page.facets) == (theirs.total, theirs.facets)
    assert by_id(page) == by_id(theirs)
