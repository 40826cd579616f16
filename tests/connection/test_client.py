"""Clients of a real cluster behind a gateway that asks who they are."""

import base64
import ssl
from pathlib import Path

import pytest
import trustme
from opensearchpy import OpenSearch
from opensearchpy.exceptions import (
    AuthenticationException,
    AuthorizationException,
    NotFoundError,
    RequestError,
    SSLError,
)

from splare_os.connection import Connection, hint, open_client
from splare_os.errors import JobError
from splare_os.index import IngestOptions, ingest
from tests.connection.gateway import Allowed, Gateway
from tests.hashing import HashEncoder

pytestmark = pytest.mark.opensearch


def header(name: str, value: str) -> Allowed:
    return lambda _, __, headers, ___: headers.get(name) == value


def anybody(*_: object) -> bool:
    return True


BASIC = "Basic " + base64.b64encode(b"ada:hunter2").decode()

KINDS = [
    ({"user": "ada", "password": "hunter2"}, BASIC),
    ({"api_key": "a2V5"}, "ApiKey a2V5"),
    ({"bearer_token": "t.o.k"}, "Bearer t.o.k"),
]


@pytest.mark.parametrize(("settings", "expected"), KINDS)
@pytest.mark.parametrize("is_proxied", [False, True])
def test_who_asks_is_let_in_and_nobody_else(cluster_url, settings, expected, is_proxied):
    allowed = header("authorization", expected)
    with Gateway(cluster_url, allowed) as gateway:
        to = {"proxy": gateway.url} if is_proxied else {}
        urls = ("http://search.example:9200",) if is_proxied else (gateway.url,)
        with open_client(Connection(urls, **settings, **to)) as client:
            assert client.info()["version"]["number"]
        with (
            open_client(Connection(urls, **to)) as client,
            pytest.raises(AuthenticationException) as error,
        ):
            client.info()
    assert hint(error.value).startswith("Say who you are (--user, SPLARE_API_KEY")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    """Certificates as files: of the authority, and of a client with its key."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    of_client = authority.issue_cert("client@example")
    of_client.private_key_pem.write_to_path(tmp_path / "key.pem")
    of_client.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    return {name: str(tmp_path / f"{name}.pem") for name in ("ca", "cert", "key")}


def server_context(authority: trustme.CA, *, asks: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    return context


def test_a_cluster_is_known_by_its_authority(cluster_url, authority, files):
    with Gateway(cluster_url, anybody, server_context(authority)) as gateway:
        with open_client(Connection((gateway.url,), ca_certs=files["ca"])) as client:
            assert client.info()
        with open_client(Connection((gateway.url,))) as client, pytest.raises(SSLError) as error:
            client.info()
        assert "--ca-certs FILE" in hint(error.value)
        with open_client(Connection((gateway.url,), is_insecure=True)) as client:
            assert client.info()


def test_a_client_is_known_by_its_certificate(cluster_url, authority, files):
    with Gateway(cluster_url, anybody, server_context(authority, asks=True)) as gateway:
        both = {"client_cert": files["cert"], "client_key": files["key"]}
        for trust in ({"ca_certs": files["ca"]}, {"is_insecure": True}):
            with open_client(Connection((gateway.url,), **both, **trust)) as client:
                assert client.info()
        with (
            open_client(Connection((gateway.url,), ca_certs=files["ca"])) as client,
            pytest.raises(Exception, match=r"(?i)certificate|connection|EOF|reset"),
        ):
            client.info()


def test_a_certificate_without_its_key_is_told(files):
    with pytest.raises(ValueError, match="no certificate with its key"):
        open_client(Connection(("https://a:1",), client_cert=files["ca"]))


def test_a_node_that_is_down_is_passed_over(cluster_url):
    urls = ("http://127.0.0.1:9", cluster_url, "http://127.0.0.1:10")
    with open_client(Connection(urls)) as client:
        for _ in range(6):
            assert client.info()


SECRET = "wJalrXUtnFEMI/K7MDENG"


def is_signed(region: str, service: str) -> Allowed:
    """Return whether a request is signed as botocore signs it, at the time that it names."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    def check(method, path, headers, body) -> bool:
        told = headers.get("authorization", "")
        if not told.startswith("AWS4-HMAC-SHA256"):
            return False
        names = told.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        url = f"http://{headers['host']}{path}"
        request = AWSRequest(method=method, url=url, data=body)
        for name in names:
            if name != "host":
                request.headers[name] = headers[name]
        request.context["timestamp"] = headers["x-amz-date"]
        signer = SigV4Auth(Credentials("AKIDEXAMPLE", SECRET), service, region)
        canonical = signer.canonical_request(request)
        made = signer.signature(signer.string_to_sign(request, canonical), request)
        return told.endswith(f"Signature={made}") and f"/{region}/{service}/" in told

    return check


@pytest.mark.parametrize("service", ["es", "aoss"])
def test_requests_are_signed_for_aws(cluster_url, monkeypatch, service):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    settings = {"aws_region": "eu-central-1", "aws_service": service}
    with Gateway(cluster_url, is_signed("eu-central-1", service)) as gateway:
        with open_client(Connection((gateway.url,), **settings)) as client:
            assert client.info()
            body = {"query": {"match_all": {}}}
            with pytest.raises(NotFoundError):
                client.search(index="none", body=body, params={"preference": "_shards:0|_primary"})
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
        with (
            open_client(Connection((gateway.url,), **settings)) as client,
            pytest.raises(AuthenticationException),
        ):
            client.info()


def test_without_credentials_of_aws_it_is_told(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ValueError, match="boto3 finds no credentials"):
        open_client(Connection(("http://a:1",), aws_region="eu-central-1"))


def test_an_index_behind_a_gateway_is_a_source(
    client: OpenSearch, cluster_url, index, tmp_path, monkeypatch
):
    client.index(index=f"{index}-from", id="a", body={"text": "ants"}, refresh=True)
    with Gateway(cluster_url, header("authorization", "ApiKey k")) as gateway:
        source = gateway.url.replace("http:", "opensearch:") + f"/{index}-from"
        options = IngestOptions(index, state_folder=tmp_path)
        with pytest.raises(JobError, match="SPLARE_SOURCE_USER and others say"):
            ingest(client, HashEncoder(), [source], options)
        monkeypatch.setenv("SPLARE_SOURCE_API_KEY", "k")
        assert [outcome.id for outcome in ingest(client, HashEncoder(), [source], options)] == ["a"]


def test_what_is_forbidden_is_told_otherwise_than_who_is_unknown():
    assert "may do that" in hint(AuthorizationException(403, "x", {}))
    assert hint(ValueError("x")) == ""
    assert hint(RequestError(400, "index_closed_exception", {})).startswith("Open the index (POST")
    reason = "failed to create query: maxClauseCount is set to 1024"
    told = {"error": {"root_cause": [{"reason": reason}]}}
    assert "fewer words" in hint(RequestError(400, "search_phase_execution_exception", told))
    blocked = AuthorizationException(403, "cluster_block_exception", {})
    assert hint(blocked).startswith("Lift the block (index.blocks.…")


@pytest.mark.opensearch
def test_of_many_indices_behind_a_name_the_closed_one_is_told(client: OpenSearch, index: str):
    for n in (1, 2):
        body = {"aliases": {index: {}}}
        client.indices.create(index=f"{index}-{n}", body=body)
    client.indices.close(index=f"{index}-2")
    with pytest.raises(RequestError) as closed:
        client.search(index=index)
    assert hint(closed.value) == f"Open the index (POST /{index}-2/_open)"
