"""A real OpenSearch whose security plugin lets nobody in unasked: TLS, users, and our roles."""

import base64
import hashlib
import hmac
import json
import secrets
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from opensearchpy import OpenSearch, TransportError

from splare_os.cluster.artifacts import Artifact
from splare_os.connection import Connection, open_client
from tests.servers import OPENSEARCH_2, START_TIMEOUT_S, Server, running

ROLES = Path(__file__).parents[2] / "examples" / "deploy" / "roles"
PLUGIN = "opensearch-security"

SECURED_2 = replace(
    OPENSEARCH_2,
    plugins=(
        Artifact(
            "org.opensearch.plugin",
            PLUGIN,
            "2.19.4.0",
            "1f673622c462c4171a8c53f9b1ad20e5b839834cb79b0d3b388da180a0e514e8",
        ),
    ),
)

SETTINGS = (
    "plugins.security.ssl.transport.pemcert_filepath: node.pem",
    "plugins.security.ssl.transport.pemkey_filepath: node.key",
    "plugins.security.ssl.transport.pemtrustedcas_filepath: ca.pem",
    "plugins.security.ssl.http.enabled: true",
    "plugins.security.ssl.http.pemcert_filepath: node.pem",
    "plugins.security.ssl.http.pemkey_filepath: node.key",
    "plugins.security.ssl.http.pemtrustedcas_filepath: ca.pem",
    "plugins.security.ssl.http.clientauth_mode: OPTIONAL",
    'plugins.security.nodes_dn: ["CN=node,OU=tests,O=splare-os"]',
    'plugins.security.authcz.admin_dn: ["CN=admin,OU=tests,O=splare-os"]',
    "plugins.security.allow_default_init_securityindex: true",
    "plugins.security.audit.type: internal_opensearch",
)

WAYS = """\
_meta: {type: config, config_version: 2}
config:
  dynamic:
    http: {anonymous_auth_enabled: false}
    authc:
      token:
        http_enabled: true
        order: 0
        http_authenticator:
          type: jwt
          challenge: false
          config: {signing_key: "SIGNING_KEY", roles_key: roles, subject_key: sub}
        authentication_backend: {type: noop}
      certificate:
        http_enabled: true
        order: 1
        http_authenticator:
          type: clientcert
          challenge: false
          config: {username_attribute: cn}
        authentication_backend: {type: noop}
      password:
        http_enabled: true
        order: 2
        http_authenticator: {type: basic, challenge: true}
        authentication_backend: {type: intern}
"""
"""Who one is may be told by a token, by a certificate, or by user and password."""

AUDIT = """\
_meta: {type: audit, config_version: 2}
config:
  enabled: true
  audit:
    enable_rest: false
    enable_transport: true
    disabled_transport_categories: [AUTHENTICATED]
    log_request_body: false
    resolve_bulk_requests: true
    ignore_users: []
    ignore_requests: []
  compliance: {enabled: false}
"""
"""What was granted to whom is written down, action by action."""

NONE = {
    "internal_users": "_meta: {type: internalusers, config_version: 2}\n",
    "roles_mapping": "_meta: {type: rolesmapping, config_version: 2}\n",
}
"""To begin with there are no users, and nobody has a role: the plugin's own examples give everybody
one that may do more than it seems."""


@dataclass(frozen=True)
class Secured:
    """A cluster with the security plugin, and all that it takes to get in.

    `folder` holds certificates as PEM: `ca.pem`, and `NAME.pem` with `NAME.key` of `admin`, who may
    do everything, and of `worker` and `stranger`, by whose names the plugin knows them.
    """

    url: str
    folder: Path
    admin: OpenSearch
    signing_key: bytes

    def connection(self, **who: str) -> Connection:
        """Return a connection; `who` are settings that say who asks."""
        return Connection((self.url,), **{"ca_certs": str(self.folder / "ca.pem"), **who})  # type: ignore[arg-type]

    def put_role(self, name: str, body: object) -> None:
        """Make a role `name`, which whoever has that name, or the backend role, has."""
        self._put("roles", name, body)
        self._put("rolesmapping", name, {"users": [name], "backend_roles": [name]})

    def put_user(self, name: str, password: str) -> None:
        """Make a user, or give an old one another password."""
        self._put("internalusers", name, {"password": password})

    def token(self, name: str, *, lives_s: float = 3600.0) -> str:
        """Return a signed JSON Web Token that says who one is."""
        parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": name, "exp": int(time.time() + lives_s)})
        told = b".".join(_base64url(json.dumps(part).encode()) for part in parts)
        return (told + b"." + _base64url(hmac.digest(self.signing_key, told, "sha256"))).decode()

    def _put(self, kind: str, name: str, body: object) -> None:
        path = f"/_plugins/_security/api/{kind}/{name}"
        self.admin.transport.perform_request("PUT", path, body=body)


def role(name: str) -> dict[str, list]:
    """Return a role of `examples/deploy/`, as it is sent to the cluster."""
    return json.loads((ROLES / f"{name}.json").read_text(encoding="utf-8"))


@contextmanager
def secured(folder: Path, server: Server = SECURED_2) -> Iterator[Secured]:
    """Yield a cluster with the roles of `examples/deploy/`, and a user of each name.

    Their password is `password_of` the name. `folder` is for certificates.
    """
    authority = trustme.CA(organization_name="splare-os", organization_unit_name="tests")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name in ("node", "admin", "worker", "stranger"):
        _issue(authority, name, folder)
    signing_key = secrets.token_bytes(64)
    ways = WAYS.replace("SIGNING_KEY", base64.b64encode(signing_key).decode())
    files = {name: (folder / name).read_bytes() for name in ("ca.pem", "node.pem", "node.key")}
    texts = {"config": ways, "audit": AUDIT, **NONE}
    files |= {f"{PLUGIN}/{name}.yml": text.encode() for name, text in texts.items()}
    tls = ssl.create_default_context(cafile=folder / "ca.pem")
    tls.load_cert_chain(folder / "admin.pem", folder / "admin.key")
    server = replace(server, settings=(*server.settings, *SETTINGS))
    with running(server, files=files, tls=tls) as url, open_client(_admin(url, folder)) as admin:
        _await_security(admin)
        found = Secured(url, folder, admin, signing_key)
        for path in sorted(ROLES.glob("*.json")):
            found.put_role(path.stem, role(path.stem))
            found.put_user(path.stem, password_of(path.stem))
        yield found


def password_of(name: str) -> str:
    """Return the password of a user; the plugin refuses what is easily guessed."""
    return f"Tr0ub4dor-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _admin(url: str, folder: Path) -> Connection:
    shown = {"client_cert": str(folder / "admin.pem"), "client_key": str(folder / "admin.key")}
    return Connection((url,), ca_certs=str(folder / "ca.pem"), **shown)


def _await_security(admin: OpenSearch) -> None:
    """Return once the plugin has made its own index, some seconds after the cluster answers."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            admin.transport.perform_request("GET", "/_plugins/_security/api/roles")
            return
        except TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _issue(authority: trustme.CA, name: str, folder: Path) -> None:
    """Write a certificate of that name and its key, in the form that the plugin reads."""
    made = authority.issue_cert(
        *("127.0.0.1", "localhost"),
        common_name=name,
        organization_name="splare-os",
        organization_unit_name="tests",
    )
    made.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    key = load_pem_private_key(made.private_key_pem.bytes(), password=None)
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(content)


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
