"""The base installation, quickly: a process of this one that finds no module of any extra."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.extras import EXTRAS
from tests.serve.serving import running

from .conftest import ROOT, TORCH_FREE_TESTS
from .refusals import MISUSE, OF_COMMANDS

ASK = Path(__file__).with_name("ask.py")
OF_EXTRAS = {module for modules in EXTRAS.values() for module in modules} - {"requests"}
"""The client of OpenSearch brings requests."""


def run_without_extras(code: str, cwd: Path, home: Path, *, stdin: str = "") -> str:
    """Return what `code` prints."""
    hidden = f"import runpy, sys; sys.modules.update(dict.fromkeys({OF_EXTRAS}))"
    command = [sys.executable, "-c", f"{hidden}; {code}"]
    state = {"SPLARE_HOME": str(home), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, cwd=cwd, env=state, input=stdin, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answers(lines: list[str], desk: Path, home: Path) -> list[dict[str, str | int]]:
    code = f"runpy.run_path({str(ASK)!r}, run_name='__main__')"
    printed = run_without_extras(code, desk, home, stdin="\n".join(lines))
    return [json.loads(line) for line in printed.splitlines()]


def test_what_needs_an_extra_says_which(desk: Path, home: Path) -> None:
    asked = OF_COMMANDS["base"]
    for (line, extra), answer in zip(asked.items(), answers([*asked], desk, home), strict=True):
        assert answer["exit_code"] == 1, (line, answer)
        assert f'pip install "splare-os[{extra}]"' in str(answer["stderr"]), line


def test_misuse_is_told_first(desk: Path, home: Path) -> None:
    for line, answer in zip(MISUSE, answers([*MISUSE], desk, home), strict=True):
        assert answer["exit_code"] == 2, (line, answer)


def test_a_served_model_is_an_encoder_without_torch(desk: Path, home: Path, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        code = (
            "from splare_os.encode import load_encoder; "
            f"encoder = load_encoder({server.url!r}); "
            "print(encoder.name, encoder.encode_documents(['oil', '']).nnz)"
        )
        assert run_without_extras(code, desk, home) == "hash 1\n"


@pytest.mark.opensearch
def test_an_application_indexes_and_searches_through_a_server(
    cluster_url: str, client: OpenSearch, desk: Path, home: Path, tmp_path: Path
) -> None:
    with running(tmp_path) as server:
        options = f"--index served --url {cluster_url} --model {server.url}"
        lines = [f"index documents.jsonl {options}", f"search 'black tuesday' {options}"]
        try:
            indexed, searched = answers(lines, desk, home)
        finally:
            client.indices.delete(index="served", ignore_unavailable=True)
    assert (indexed["exit_code"], indexed["crash"]) == (0, "''"), indexed
    assert json.loads(str(indexed["stdout"]).splitlines()[-1])["indexed"] == 12
    assert (searched["exit_code"], searched["crash"]) == (0, "''"), searched
    best = json.loads(str(searched["stdout"]).splitlines()[0])
    assert best["_source"]["title"] == "Black Tuesday"


def test_tests_of_torch_free_rooms_are_read_without_torch(home: Path) -> None:
    options = ["--collect-only", "-q", "-p", "no:cacheprovider", *TORCH_FREE_TESTS]
    run_without_extras(f"import pytest; sys.exit(pytest.main({options}))", ROOT, home)
