import pytest
from opensearchpy import OpenSearch

from tests.cli.running import run
from tests.encode.answering import Answer, answering

INFO = {"model_id": "hash", "fingerprint": "0123456789abcdef", "n_latents": 512}


def test_a_server_has_to_be_named() -> None:
    result = run("connect", "--index", "facts")
    assert result.exit_code == 2
    assert "--server" in result.stderr


@pytest.mark.opensearch
def test_an_address_of_no_server_is_misuse(cluster_url: str) -> None:
    result = run("connect", "--index", "facts", "--server", "mini", "--url", cluster_url)
    assert result.exit_code == 2
    assert "server='mini'" in result.stderr


@pytest.mark.opensearch
def test_where_there_is_no_native_route_no_index_is_made(
    client: OpenSearch, cluster_url: str, index: str
) -> None:
    with answering({"/info": [Answer(200, INFO)]}) as told:
        result = run("connect", "--index", index, "--server", told.url, "--url", cluster_url)
    assert (result.exit_code, "no ml-commons: only the client route" in result.stderr) == (1, True)
    assert not client.indices.exists(index=index)


@pytest.mark.opensearch
def test_a_route_is_taken_off_without_its_server(cluster_url: str) -> None:
    result = run("connect", "--index", "gone", "--disconnect", "--url", cluster_url)
    assert (result.exit_code, "only the client route" in result.stderr) == (1, True)
