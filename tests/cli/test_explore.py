"""`splare-os explore`."""

import json
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from tests.cli.running import run
from tests.serve.serving import running

pytestmark = pytest.mark.opensearch


def test_the_command_shows_an_index_until_it_is_told_to_end(
    model: str, cluster_url: str, client: OpenSearch, index: str, tmp_path: Path
) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"_id": "a", "text": "oil crisis"}\n{"_id": "b", "text": "river"}\n')
    run("index", str(path), "--index", index, "--model", model, "--url", cluster_url)
    options = ("--index", index, "--model", model, "--url", cluster_url, "--port", "0")
    with running(tmp_path, command=("-m", "splare_os", "explore", *options)) as server:
        assert server.get("/")[0] == 200
        status, found = server.post("/api/search", {"query": "oil"})
        assert status == 200
        assert [hit["id"] for hit in found["columns"]["bm25"]["hits"]] == ["a"]
        asked = server.pool.request("GET", server.url + "/", headers={"host": "evil.example"})
        assert asked.status == 403
        raw = server.pool.request("GET", server.url + "/..%2f..%2fsetup.cfg")
        assert (raw.status, json.loads(raw.data)["error"]) == (404, "Not Found")
        assert server.end() == 0


def test_others_are_let_in_by_a_token_alone(
    model: str, cluster_url: str, client: OpenSearch, index: str, tmp_path: Path
) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"_id": "a", "text": "oil crisis"}\n')
    run("index", str(path), "--index", index, "--model", model, "--url", cluster_url)
    place = ("--index", index, "--model", model, "--url", cluster_url, "--port", "0")
    refused = run("explore", *place, "--host", "0.0.0.0")
    assert refused.exit_code == 2
    assert "Give a token" in refused.stderr
    (tmp_path / "token").write_text("s3cret\n")
    options = (*place, "--host", "0.0.0.0", "--token-file", str(tmp_path / "token"))
    with running(tmp_path, command=("-m", "splare_os", "explore", *options)) as server:
        assert server.post("/api/about", {})[0] == 401
        status, about = server.post("/api/about", {}, authorization="Bearer s3cret")
        assert (status, about["index"]) == (200, index)
        assert server.end() == 0


def test_an_index_that_is_not_there_is_told(model: str, cluster_url: str) -> None:
    told = run("explore", "--index", "nothing-here", "--model", model, "--url", cluster_url)
    assert told.exit_code == 1
    assert "no index 'nothing-here'" in told.stderr


def test_a_wrong_port_is_told_before_anything_is_loaded() -> None:
    told = run("explore", "--index", "nothing-here", "--model", "nothing", "--port", "99999")
    assert told.exit_code == 2
    assert "port=99999" in told.stderr
