"""The layers of the installation, each in a virtual environment of its own.

Every layer is installed as the one below it says: by the command in its refusals.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from opensearchpy import OpenSearch

from splare_os import __version__
from splare_os.cli.main import main
from splare_os.extras import EXTRAS

from .conftest import LEFT_OUT, ROOT, TORCH_FREE_TESTS
from .environments import Environment
from .refusals import MISUSE, OF_COMMANDS, OF_PYTHON

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
MOST_MB = {"base": 300, "encode": 6500, "all": 7500}
"""Of what packages hold; Python's own compiled files come on top."""
GROUPS = ("cluster", "train")

Layer: TypeAlias = tuple[str, Environment]
"""Its name, and where it is installed."""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder for gigabytes, which do not stay as pytest's own would."""
    with tempfile.TemporaryDirectory(prefix="splare-os-layers-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def base(place: Path, home: Path, wheel: Path) -> Environment:
    environment = Environment(place / "base", home)
    environment.make()
    environment.install(wheel)
    return environment


@pytest.fixture(scope="module")
def encode(place: Path, base: Environment) -> Environment:
    environment = base.link_to(place / "encode")
    environment.install("splare-os[encode]")
    return environment


@pytest.fixture(scope="module")
def everything(place: Path, encode: Environment) -> Environment:
    environment = encode.link_to(place / "all")
    environment.install("splare-os[all]")
    return environment


@pytest.fixture(scope="module", params=["base", "encode", "all"])
def layer(request: pytest.FixtureRequest) -> Layer:
    name = request.param
    return name, request.getfixturevalue("everything" if name == "all" else name)


def answers(environment: Environment, lines: list[str], desk: Path) -> list[dict[str, str]]:
    """Return what the command line answers to each line."""
    done = environment.run(HERE / "ask.py", cwd=desk, stdin="\n".join(lines))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_layer_is_as_large_as_it_says(layer: Layer, capsys: pytest.CaptureFixture[str]) -> None:
    name, environment = layer
    held_mb, compiled_mb = environment.sizes_mb()
    n_packages = len(list(environment.site_packages.glob("*.dist-info")))
    with capsys.disabled():
        print(
            f"\n{name}: {held_mb:.0f} MB in {n_packages} packages and {compiled_mb:.0f} MB "
            f"compiled, installed in {environment.installed_s:.0f} s"
        )
    assert held_mb < MOST_MB[name]


def test_the_base_has_nothing_of_torch(base: Environment, desk: Path) -> None:
    modules = sorted(set(EXTRAS["train"]))
    code = f"from importlib.util import find_spec; print(*filter(find_spec, {modules}))"
    assert base.run("-c", code, cwd=desk).stdout == "\n"
    assert not list(base.site_packages.glob("nvidia*"))


def test_the_command_is_there_and_knows_its_version(base: Environment, desk: Path) -> None:
    done = base.run(base.folder / "bin" / "splare-os", "--version", cwd=desk)
    assert done.stdout == f"splare-os, version {__version__}\n"


def test_every_command_has_help(layer: Layer, desk: Path) -> None:
    commands = [*main.commands]
    for group in GROUPS:
        commands += [f"{group} {name}" for name in main.commands[group].commands]
    lines = ["--help", *(f"{command} --help" for command in commands)]
    assert [answer["exit_code"] for answer in answers(layer[1], lines, desk)] == [0] * len(lines)


def test_what_a_layer_lacks_is_refused_in_one_line_that_says_what_brings_it(
    layer: Layer, desk: Path
) -> None:
    name, environment = layer
    asked = OF_COMMANDS[name]
    for (line, extra), answer in zip(
        asked.items(), answers(environment, [*asked], desk), strict=True
    ):
        assert (answer["exit_code"], answer["crash"]) == (1, "''"), (line, answer)
        *progress, refusal = answer["stderr"].splitlines()
        assert refusal.startswith("Error: "), line
        assert f'pip install "splare-os[{extra}]"' in refusal, (line, refusal)
        assert all(told.endswith("…") for told in progress), (line, progress)


def test_python_is_refused_likewise(layer: Layer, desk: Path) -> None:
    name, environment = layer
    for code, extra in OF_PYTHON[name].items():
        done = environment.run("-c", code, cwd=desk)
        assert done.returncode == 1
        last = done.stderr.splitlines()[-1]
        assert last.startswith("splare_os.errors.MissingExtraError: "), done.stderr
        assert last.endswith(f'pip install "splare-os[{extra}]"')


def test_misuse_is_told_first(layer: Layer, desk: Path) -> None:
    for line, answer in zip(MISUSE, answers(layer[1], [*MISUSE], desk), strict=True):
        assert (answer["exit_code"], answer["crash"]) == (2, "''"), (line, answer)


def test_a_cluster_that_was_never_started_can_be_asked_for_and_stopped(
    base: Environment, desk: Path
) -> None:
    for command in ("status", "stop"):
        done = base.run("-m", "splare_os", "cluster", command, cwd=desk)
        assert json.loads(done.stdout)["pid"] is None, done.stderr


@pytest.mark.opensearch
def test_the_base_indexes_and_searches_with_an_encoder_of_another_kind(
    base: Environment, client: OpenSearch, cluster_url: str, desk: Path
) -> None:
    job = (HERE / "other_kind.py", cluster_url, "documents.jsonl")
    done = base.run(*job, cwd=desk, PYTHONPATH=str(desk))
    client.indices.delete(index="other-kind", ignore_unavailable=True)
    assert (done.stdout, done.stderr) == ("bread\n", "")


def test_the_quick_tests_of_index_and_search_pass_in_the_base(
    place: Path, base: Environment, tmp_path: Path
) -> None:
    environment = base.link_to(place / "tested")
    environment.install("pytest", "hypothesis")
    for name in ("tests", "mappings", "ingest_pipelines", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=LEFT_OUT)
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    quick = "not opensearch and not slow and not sources"
    done = environment.run(
        *("-m", "pytest", "-q", "-m", quick, *TORCH_FREE_TESTS),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d{3,} passed", done.stdout.splitlines()[-1]), done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.opensearch
def test_mini_indexes_and_searches_with_what_encode_brings(
    encode: Environment, client: OpenSearch, cluster_url: str, desk: Path
) -> None:
    index = ("--index", "encode-alone", "--url", cluster_url)
    command = ("-m", "splare_os")
    try:
        done = encode.run(*command, "index", "documents.jsonl", *index, cwd=desk)
        assert json.loads(done.stdout)["indexed"] == 12, done.stderr
        question = "who lost money when stocks fell"
        done = encode.run(*command, "search", question, "--explain", *index, cwd=desk)
        best = json.loads(done.stdout.splitlines()[0])
        assert best["_source"]["title"] == "Black Tuesday"
        assert best["matches"]
    finally:
        client.indices.delete(index="encode-alone")


@pytest.mark.opensearch
def test_the_example_runs_with_what_all_brings(everything: Environment, desk: Path) -> None:
    shutil.copy(ROOT / "examples" / "search.py", desk)
    done = everything.run("search.py", cwd=desk, **places_of_the_server())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("12 documents\n")


def places_of_the_server() -> dict[str, str]:
    """Return the variables that say where the server was unpacked already."""
    return {name: os.environ.get(name, "") for name in ("SPLARE_HOME", "XDG_CACHE_HOME")}
