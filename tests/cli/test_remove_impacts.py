"""`splare-os remove-impacts`, and a field that commands name."""

import signal

import pytest
from opensearchpy import OpenSearch

from tests.cli.running import SOON_S, json_lines, run, started, wait_for
from tests.index.chaos import proxied
from tests.index.proxy import passed


@pytest.mark.opensearch
def test_a_second_field_is_made_and_the_first_removed(
    model: str, cluster_url: str, client: OpenSearch, index: str
) -> None:
    client.index(index=index, id="a", body={"about": {"text": "oil crisis"}}, refresh=True)
    where = ["--index", index, "--url", cluster_url]
    text = ["--text-field", "about.text", "--template", "news {about.text}"]
    for field in ("about_splare", "about_2_splare"):
        made = run("backfill", *text, "--impacts-field", field, "--model", model, *where)
        assert json_lines(made.stdout)[0]["indexed"] == 1
    removed = run("remove-impacts", "--impacts-field", "about_splare", "--grace", "0", *where)
    assert json_lines(removed.stdout) == [{"removed": 1}]
    assert client.get(index=index, id="a")["_source"].keys() == {"about", "about_2_splare"}
    found = run("search", "oil", "--model", model, *where)
    assert json_lines(found.stdout)[0]["_id"] == "a"


@pytest.mark.opensearch
def test_a_removal_that_is_stopped_says_so_and_goes_on(
    cluster_url: str, client: OpenSearch, index: str
) -> None:
    ours = {"digest": "d" * 16, "latents": ["3"], "count": 1, "impacts": {"3": 1.0}}
    client.index(index=index, id="a", body={"text": "oil", "text_splare": ours}, refresh=True)
    command = ["remove-impacts", "--index", index, "--url", cluster_url]
    field = ["--impacts-field", "text_splare"]
    with proxied(cluster_url, lambda _: passed) as proxy:
        waiting = ["--index", index, "--url", proxy.url, *field]
        with started("remove-impacts", *waiting) as process:  # for 30 s, in which clients notice
            wait_for(proxy, "GET _mapping", 1)
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate(timeout=SOON_S)
    assert process.returncode == 128 + signal.SIGTERM
    assert told.splitlines()[-1] == "stopped; the same command goes on from here"
    assert json_lines(run(*command, *field, "--grace", "0").stdout) == [{"removed": 1}]


@pytest.mark.opensearch
def test_a_field_that_is_not_there_is_told(
    cluster_url: str, client: OpenSearch, index: str
) -> None:
    client.index(index=index, id="a", body={"text": "oil"}, refresh=True)
    where = ["--index", index, "--url", cluster_url]
    gone = run("remove-impacts", "--impacts-field", "text_splare", *where)
    assert gone.exit_code == 1
    assert "has no impacts field 'text_splare'" in gone.stderr
    misuse = run("remove-impacts", "--impacts-field", "text", *where)
    assert misuse.exit_code == 2
