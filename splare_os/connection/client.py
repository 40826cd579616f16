"""A client for a connection: certificates, proxies, and who it says it is."""

import ssl
from collections.abc import Mapping
from typing import Any

import urllib3
from opensearchpy import OpenSearch, Urllib3HttpConnection
from opensearchpy.exceptions import AuthenticationException, AuthorizationException, SSLError

from ..extras import require
from .connection import Connection
from .retry_after import RequestsConnection, Urllib3Connection
from .rights import rights_remedy


def open_client(connection: Connection, **options: Any) -> OpenSearch:  # noqa: ANN401
    """Return a client; `options` are those of opensearch-py.

    A node that cannot be reached is passed over for the next one.
    """
    hosts = list(connection.urls)
    given: dict[str, Any] = {"max_retries": len(hosts) - 1, "timeout": 60}
    given |= {"connection_class": Urllib3Connection} | _options(connection)
    return OpenSearch(hosts, **given | options)


def _options(connection: Connection) -> dict[str, Any]:
    """Return the options of opensearch-py that a connection asks for."""
    if connection.is_insecure:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    headers = {}
    if connection.api_key:
        headers["authorization"] = f"ApiKey {connection.api_key}"
    if connection.bearer_token:
        headers["authorization"] = f"Bearer {connection.bearer_token}"
    login = _login(connection)
    options: dict[str, Any] = {"headers": headers} if headers else {}
    if login is not None:
        options["http_auth"] = login
    return options | (_through_proxy(connection) if connection.proxy else _direct(connection))


def is_blocked(error: BaseException) -> bool:
    """Return whether a block of an index or the cluster refused a request, not a missing right."""
    return "cluster_block_exception" in str(error)


REMEDIES = {
    "index_closed_exception": "Open the index (POST /{index}/_open)",
    "maxClauseCount": "Ask for fewer words, or raise indices.query.bool.max_clause_count",
}
"""What helps against errors that name themselves so."""


def hint(error: BaseException) -> str:
    """Return what helps against an error of a connection; "" if that is not known."""
    for named, remedy in REMEDIES.items():
        if named in str(error):
            return remedy.format(index=_closed_index(error))
    if is_blocked(error):
        return "Lift the block (index.blocks.… of the index, cluster.blocks.… of the cluster)"
    if isinstance(error, SSLError):
        return (
            "Name the certificate authority of the cluster (--ca-certs FILE), and a client "
            "certificate if it asks for one (--client-cert, --client-key)"
        )
    if isinstance(error, AuthenticationException):
        return "Say who you are (--user, SPLARE_API_KEY, …: docs/connections.md)"
    if isinstance(error, AuthorizationException):
        return rights_remedy(str(error))
    return ""


def _closed_index(error: BaseException) -> str:
    """Return which index an error calls closed: a name may stand for many."""
    info = getattr(error, "info", None)
    cause = info.get("error") if isinstance(info, Mapping) else None
    name = cause.get("index") if isinstance(cause, Mapping) else None
    return name if isinstance(name, str) else "NAME"


def _login(connection: Connection) -> object:
    if connection.user:
        return (connection.user, connection.password or "")
    return _signer(connection) if connection.aws_region else None


def _signer(connection: Connection) -> object:
    require("aws", f"signing requests for {connection.aws_region}")
    from boto3 import Session
    from opensearchpy import RequestsAWSV4SignerAuth, Urllib3AWSV4SignerAuth

    credentials = Session().get_credentials()
    if credentials is None:
        raise ValueError(
            f"aws_region={connection.aws_region!r}: boto3 finds no credentials. Set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role"
        )
    signer = RequestsAWSV4SignerAuth if connection.proxy else Urllib3AWSV4SignerAuth
    return signer(credentials, connection.aws_region, connection.aws_service)


def _direct(connection: Connection) -> dict[str, Any]:
    if not any(url.startswith("https:") for url in connection.urls):
        return {}
    return {"ssl_context": tls_context(connection)}


def tls_context(connection: Connection) -> ssl.SSLContext:
    """Return how certificates are checked, and which one of the client is shown."""
    if connection.is_insecure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        authorities = connection.ca_certs or Urllib3HttpConnection.default_ca_certs()
        context = ssl.create_default_context(cafile=authorities)
    if connection.client_cert:
        try:
            context.load_cert_chain(connection.client_cert, connection.client_key)
        except ssl.SSLError as error:
            raise ValueError(
                f"client_cert {connection.client_cert}: no certificate with its key "
                f"({error.reason}); give PEM files, the key by client_key if it is in another"
            ) from error
    return context


def _through_proxy(connection: Connection) -> dict[str, Any]:
    return {
        "connection_class": RequestsConnection,
        "proxies": {"http": connection.proxy, "https": connection.proxy},
        "verify_certs": not connection.is_insecure,
        "ssl_show_warn": not connection.is_insecure,
        "ca_certs": connection.ca_certs,
        "client_cert": connection.client_cert,
        "client_key": connection.client_key,
    }
