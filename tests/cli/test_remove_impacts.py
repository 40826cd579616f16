"""`splare-os remove-impacts`, and a field that commands name."""

import pytest
from opensearchpy import OpenSearch

from tests.cli.running import json_lines, run


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
