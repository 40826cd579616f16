"""`splare-os dashboards`."""

import json
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.dashboards import boards, objects_of
from splare_os.documents import Fields
from splare_os.layout import ensure_index
from tests.cli.running import json_lines, run
from tests.dashboards.server import dashboards
from tests.hashing import HashEncoder

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "USER", "PASSWORD"):
        monkeypatch.delenv(f"SPLARE_DASHBOARDS_{name}", raising=False)


def test_export_gives_lines_that_check_takes(tmp_path: Path) -> None:
    result = run("dashboards", "export")
    assert result.exit_code == 0
    file = tmp_path / "ours.ndjson"
    file.write_text(result.stdout, encoding="utf-8")
    assert len(json_lines(result.stdout)) == len(objects_of(boards(None)))
    checked = run("dashboards", "check", str(file))
    assert (checked.exit_code, checked.stdout) == (0, "")


def test_export_gives_a_file_for_each_dashboard(tmp_path: Path) -> None:
    result = run("dashboards", "export", "--out", str(tmp_path / "out"))
    told = json_lines(result.stdout)
    assert [line["dashboard"] for line in told] == ["splare-ingestion", "splare-search"]
    for line in told:  # each holds all that it refers to
        assert run("dashboards", "check", str(line["file"])).exit_code == 0


def test_files_are_checked_together(tmp_path: Path) -> None:
    ours = [str(file) for file in sorted((ROOT / "dashboards").glob("*.ndjson"))]
    result = run("dashboards", "check", *ours)  # two of them have the same index pattern
    assert (result.exit_code, result.stdout) == (0, "")
    other = tmp_path / "other.ndjson"
    other.write_text(Path(ours[0]).read_text(encoding="utf-8").replace("dead", "gone"))
    assert "it is there twice" in run("dashboards", "check", *ours, str(other)).stdout
    one = tmp_path / "one.ndjson"
    one.write_text(2 * (objects_of(boards(None))[0].line + "\n"), encoding="utf-8")
    assert "it is there twice" in run("dashboards", "check", str(one)).stdout


def test_check_tells_faults_and_exits_1(tmp_path: Path) -> None:
    file = tmp_path / "theirs.ndjson"
    body = {"type": "lens", "id": "a", "attributes": {"title": "A"}, "references": []}
    file.write_text(json.dumps(body) + "\n", encoding="utf-8")
    result = run("dashboards", "check", str(file))
    assert result.exit_code == 1
    (finding,) = json_lines(result.stdout)
    assert (finding["object"], finding["is_fault"]) == ("lens a", True)
    file.write_text("{\n", encoding="utf-8")
    result = run("dashboards", "check", str(file))
    assert result.exit_code == 1
    assert "line 1 is no JSON" in result.stderr


@pytest.mark.opensearch
def test_install_tells_each_object_and_removes_what_it_made(
    client: OpenSearch, cluster_url: str, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_index(client, index, HashEncoder(), Fields())
    of = ["--index", index, "--url", cluster_url]
    with dashboards(login="ada:s3cret") as found:
        monkeypatch.setenv("SPLARE_DASHBOARDS_URL", found.url)
        assert "Say who you are" in run("dashboards", "install", *of).stderr
        monkeypatch.setenv("SPLARE_DASHBOARDS_USER", "ada")
        monkeypatch.setenv("SPLARE_DASHBOARDS_PASSWORD", "s3cret")
        result = run("dashboards", "install", *of)
        assert result.exit_code == 0, result.stderr
        lines = json_lines(result.stdout)
        assert {line["outcome"] for line in lines} == {"created"}
        names = {(str(line["type"]), str(line["id"])) for line in lines}
        assert names == set(found.saved)
        assert ("dashboard", f"splare-concepts-{index}-text_splare") in names
        result = run("dashboards", "install", *of, "--category-field", "_index")
        assert "created" in {line["outcome"] for line in json_lines(result.stdout)}
        result = run("dashboards", "install", "--remove", *of)  # it need not name the category
        assert {line["outcome"] for line in json_lines(result.stdout)} == {"removed", "absent"}
        assert not found.saved
        run("dashboards", "install", *of)
        client.indices.delete(index=index)
        result = run("dashboards", "install", "--remove", *of)
        assert result.exit_code == 0, result.stderr
        assert not found.saved


def test_install_exits_1_if_an_object_fails() -> None:
    with dashboards(refused={"splare-search"}) as found:
        result = run("dashboards", "install", "--dashboards-url", found.url)
        assert result.exit_code == 1
        (failed,) = [line for line in json_lines(result.stdout) if line["outcome"] == "failed"]
        assert failed["id"] == "splare-search"
        assert not found.saved


def test_the_clusters_credentials_are_not_sent_to_dashboards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPLARE_USER", "ada")
    monkeypatch.setenv("SPLARE_PASSWORD", "s3cret")
    with dashboards() as found:
        assert run("dashboards", "install", "--dashboards-url", found.url).exit_code == 0
        assert all("authorization" not in headers for headers in found.headers)


@pytest.mark.opensearch
def test_check_runs_requests_on_the_cluster(cluster_url: str) -> None:
    result = run("dashboards", "check", "--run", "--url", cluster_url)
    assert result.exit_code == 0, result.stdout + result.stderr
    assert not [line for line in json_lines(result.stdout) if line["is_fault"]]


def test_options_of_an_index_need_one() -> None:
    result = run("dashboards", "export", "--time-field", "at")
    assert result.exit_code == 2
    assert "--time-field says nothing without --index" in result.stderr
    file = str(Path(__file__))
    assert "choose one" in run("dashboards", "check", file, "--index", "a").stderr
