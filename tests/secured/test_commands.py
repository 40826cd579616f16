"""The command line on a cluster with the security plugin, by a connection file."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from tests.cli.running import json_lines, run
from tests.models import build_tiny
from tests.secured.cluster import Secured, password_of
from tests.secured.duties import ENGLISH, INDEX, LINES, new_index

pytestmark = [pytest.mark.opensearch, pytest.mark.slow]

As = Callable[[str], str]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tiny")
    build_tiny(tmp_path_factory.mktemp("bert")).save(folder)
    return str(folder)


@pytest.fixture
def as_user(cluster: Secured, folder: Path, monkeypatch: pytest.MonkeyPatch) -> As:
    """Write a connection file of a user, and return its path."""
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))

    def write(name: str, password: str | None = None) -> str:
        (folder / name).write_text(password or password_of(name))
        lines = {
            "url": cluster.url,
            "user": name,
            "password_file": str(folder / name),
            "ca_certs": str(cluster.folder / "ca.pem"),
        }
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
        (folder / f"{name}.toml").write_text(text)
        return str(folder / f"{name}.toml")

    return write


def test_commands_do_their_work_with_their_roles(
    stocked: OpenSearch, model: str, folder: Path, as_user: As
) -> None:
    (folder / "docs.jsonl").write_bytes(LINES)
    worker, client = as_user("worker"), as_user("client")
    settings = [f"--setting={key}={value}" for key, value in ENGLISH.items()]
    index = ["index", str(folder / "docs.jsonl"), "--index", INDEX, "--model", model, *settings]
    done = run(*index, "--connection", worker, "--bulk-load", "--report-to-cluster", "splare-ops")
    assert done.exit_code == 0, done.output
    assert json_lines(done.stdout)[-1]["indexed"] == 3
    assert [one["state"] for one in json_lines(run("jobs", "--json").stdout)] == ["finished"]
    restored = run("jobs", "restore", "--connection", worker)
    assert (restored.exit_code, restored.stdout) == (0, "")
    counted = run("statistics", "--index", INDEX, "--connection", worker)
    assert json_lines(counted.stdout)[0]["documents"] == 3
    again = run("index", "--replay", "--index", INDEX, "--connection", worker)
    assert json_lines(again.stdout) == [{"indexed": 1, "dead": 0}]
    stocked.indices.refresh(index=INDEX)
    asked = ["search", "oil price", "--index", INDEX, "--model", model, "--connection", client]
    for more in ([], ["--explain"], ["--hybrid"], ["--two-step"], ["--highlight"]):
        found = run(*asked, *more)
        assert found.exit_code == 0, found.output
        assert {hit["_id"] for hit in json_lines(found.stdout)} <= {"0", "1", "2", "7"}
        assert json_lines(found.stdout)
    told = run("doctor", "--index", INDEX, "--model", model, "--connection", client)
    assert told.exit_code == 0, told.output
    assert {"check": "user", "status": "ok", "found": "client, roles client", "remedy": ""} in (
        json_lines(told.stdout)
    )


COMMANDS = {
    "index": ["index", "DOCUMENTS", "--index", INDEX],
    "backfill": ["backfill", "--index", "papers-app", "--text-field", "body"],
    "statistics": ["statistics", "--index", INDEX],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_may_not_says_in_a_line_what_is_missing(
    stocked: OpenSearch, worker: OpenSearch, model: str, folder: Path, as_user: As, name: str
) -> None:
    if name == "statistics":
        new_index(worker, folder)
    (folder / "docs.jsonl").write_bytes(LINES)
    command = [one.replace("DOCUMENTS", str(folder / "docs.jsonl")) for one in COMMANDS[name]]
    with_model = [] if name == "statistics" else ["--model", model]
    begun = time.monotonic()
    said = run(*command, *with_model, "--connection", as_user("client"))
    assert time.monotonic() - begun < 10
    assert said.exit_code == 1
    (told,) = [line for line in said.stderr.splitlines() if line.startswith("Error: ")]
    assert "User [name=client" in told
    assert "Grant indices:" in told
    assert "body_splare" not in str(stocked.indices.get_mapping(index="papers-app"))


def test_a_wrong_password_is_told_once_and_never_shown(folder: Path, as_user: As) -> None:
    begun = time.monotonic()
    said = run("search", "oil", "--index", INDEX, "--connection", as_user("client", "hunter2-x"))
    assert time.monotonic() - begun < 10
    assert said.exit_code == 1
    assert "401" in said.stderr
    assert "hunter2" not in said.output
