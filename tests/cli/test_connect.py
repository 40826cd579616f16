import pytest
from opensearchpy import OpenSearch

from splare_os.connect.connect import PARTS
from splare_os.layout.records import FieldRecord
from tests.cli.running import run
from tests.encode.answering import Answer, answering

INFO = {"model_id": "hash", "fingerprint": "0123456789abcdef", "n_latents": 512}


def test_a_server_has_to_be_named() -> None:
    result = run("connect", "--index", "facts")
    assert result.exit_code == 2
    assert "--server" in result.stderr


@pytest.mark.parametrize(("its_url", "is_sent"), [("http://elsewhere:8080", False), ("", True)])
def test_a_token_goes_to_no_other_server_than_its_own(
    monkeypatch: pytest.MonkeyPatch, its_url: str, *, is_sent: bool
) -> None:
    record = FieldRecord("hash", "0123456789abcdef", 512, 400, ("text",))
    mappings = {"_meta": {"splare": {"text_splare": record.to_meta()}}}
    cluster = {
        "/_cat/plugins?format=json": [{"component": name} for name in PARTS],
        "/_cluster/settings": {},
        "/_cluster/settings?include_defaults=true&flat_settings=true": dict.fromkeys(
            ("defaults", "persistent", "transient"), {}
        ),
        "/facts/_mapping": {"facts": {"mappings": mappings}},
        "/info": INFO,
    }
    monkeypatch.setenv("SPLARE_SERVER_URL", its_url)
    monkeypatch.setenv("SPLARE_SERVER_BEARER_TOKEN", "s3cret")
    with answering({path: [Answer(200, one)] for path, one in cluster.items()}) as told:
        at = ("--server", told.url, "--url", told.url)
        result = run("connect", "--index", "facts", "--dry-run", *at)
    assert result.exit_code == 0, result.output
    assert ("Authorization" in result.stdout) == is_sent


@pytest.mark.opensearch
def test_an_address_of_no_server_is_misuse(cluster_url: str) -> None:
    result = run("connect", "--index", "facts", "--server", "mini", "--url", cluster_url)
    assert result.exit_code == 2
    assert "address 'mini': give one such as" in result.stderr


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
