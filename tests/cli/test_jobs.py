"""`splare-os jobs`, and what `splare-os index` tells of one."""

import json
from io import StringIO
from pathlib import Path

import pytest
from opensearchpy import OpenSearch
from rich.console import Console

from splare_os.cli.jobs import jobs_table
from splare_os.cli.show import console
from splare_os.index.bulk_load import LOADING, SUFFIX
from splare_os.index.job import default_state_folder
from splare_os.index.jobs import JobStatus, list_jobs
from tests.cli.running import json_lines, run


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"_id": "a", "text": "oil crisis"}\n{"_id": "b", "text": {}}\n')
    return str(path)


def test_without_jobs_nothing_is_listed() -> None:
    result = run("jobs")
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_dry_run_asks_no_cluster_and_leaves_nothing(model: str, source: str) -> None:
    nowhere = ["--index", "i", "--url", "http://127.0.0.1:9"]
    result = run("index", source, *nowhere, "--model", model, "--dry-run")
    assert result.exit_code == 1
    (told,) = json_lines(result.stdout)
    assert (told["documents"], told["dead"], told["sample"]) == (2, 1, 1)
    assert not default_state_folder().exists()


@pytest.mark.opensearch
def test_a_job_is_listed_told_restarted_and_its_letters_replayed(
    model: str, cluster_url: str, client: OpenSearch, index: str, source: str
) -> None:
    options = ["--index", index, "--model", model, "--url", cluster_url]
    unborn = run("index", source, *options, "--status")
    assert (unborn.exit_code, "no index" in unborn.stderr) == (1, True)
    assert run("index", source, *options).exit_code == 1
    (listed,) = json_lines(run("jobs").stdout)
    assert (listed["state"], listed["index"], listed["documents"]) == ("finished", index, 2)
    (told,) = json_lines(run("index", source, *options, "--status").stdout)
    assert told["job"] == listed["job"]
    other = run("index", source, *options, "--status", "--top-k", "3")
    assert "no such job" in other.stderr
    (again,) = json_lines(run("index", source, *options, "--restart").stdout)
    assert (again["unchanged"], again["dead"]) == (1, 1)
    letters = Path(str(listed["dead_letters"]))
    letters.write_text(letters.read_text().replace("{}", r"\"bees\""))
    (counts,) = json_lines(run("index", str(letters), *options).stdout)
    assert (counts["indexed"], counts["dead"]) == (1, 0)
    assert client.get(index=index, id="b")["_source"]["text"] == "bees"
    assert "finished" in _shown()


def _shown() -> str:
    screen = console()
    with screen.capture() as captured:
        screen.print(jobs_table(list_jobs()))
    return captured.get()


def test_the_table_of_jobs_is_whole_in_a_terminal_of_80_columns() -> None:
    status = JobStatus(
        job="products-of-the-shop-80fabf08",
        kind="index",
        state="finished",
        index="products-of-the-shop",
        model="mini",
        sources=("products.csv",),
        documents=1_234_567,
        outcomes={"dead": 12},
        per_s=1234.5,
        done=0.5,
        left=7,
        eta_s=7500.0,
        idle_s=593.0,
        dead_letters=None,
    )
    screen = Console(width=80, record=True, file=StringIO())
    screen.print(jobs_table([status]))
    text = screen.export_text()
    for shown in ("docs/s", "idle", "1,234,567", "1,234", "50%", "2 h", "9 min"):
        assert shown in text
    assert "…" not in text


@pytest.mark.opensearch
def test_settings_that_were_left_are_set_back(
    cluster_url: str, client: OpenSearch, index: str
) -> None:
    client.indices.create(index=index, body={"settings": LOADING})
    uuid = client.indices.get_settings(index=index)[index]["settings"]["index"]["uuid"]
    folder = default_state_folder()
    folder.mkdir(parents=True)
    settings = {"index.refresh_interval": "3s"}
    kept = {"index": index, "uuid": uuid, "settings": settings}
    here = {"cluster": client.info()["cluster_uuid"]}
    for name, cluster in (("here", here), ("there", {"cluster": "another"})):
        (folder / f"{name}{SUFFIX}").write_text(json.dumps(kept | cluster))
    result = run("jobs", "restore", "--url", cluster_url)
    assert json_lines(result.stdout) == [{"index": index, "settings": "restored"}]
    found = client.indices.get_settings(index=index)[index]["settings"]["index"]
    assert found["refresh_interval"] == "3s"
    assert [path.name for path in folder.iterdir()] == [f"there{SUFFIX}"]


@pytest.mark.opensearch
def test_settings_are_those_of_a_new_index(
    model: str, cluster_url: str, client: OpenSearch, index: str, source: str
) -> None:
    options = ["--index", index, "--model", model, "--url", cluster_url]
    chosen = ["--setting", "codec=best_compression", "--setting", "index.number_of_shards=2"]
    for _ in range(2):
        assert run("index", source, *options, *chosen, "--bulk-load").exit_code == 1
    found = client.indices.get_settings(index=index)[index]["settings"]["index"]
    assert (found["codec"], found["number_of_shards"]) == ("best_compression", "2")
    other = run("index", source, *options, "--setting", "codec=default")
    assert "settings are those of a new index" in other.stderr
    misuse = run("index", source, *options, "--setting", "codec")
    assert (misuse.exit_code, "give KEY=VALUE" in misuse.stderr) == (2, True)
