"""The cluster settings without which ml-commons asks no model server: read, told, never guessed."""

import ipaddress
import re
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from opensearchpy import OpenSearch

from ..reply import part
from .bodies import Route

TRUSTED = "plugins.ml_commons.trusted_connector_endpoints_regex"
PRIVATE = "plugins.ml_commons.connector.private_ip_enabled"

PRIVATE_ENDS = (".local", ".internal", ".svc", ".localhost")
"""Of names that no public server has: RFC 6762 and 6761, ICANN's, and a service of Kubernetes."""

Settings: TypeAlias = dict[str, Any]


def lacking(client: OpenSearch, route: Route) -> Settings:
    """Return the persistent settings that the cluster lacks for a route; {} if it has all."""
    reply = client.cluster.get_settings(
        params={"include_defaults": "true", "flat_settings": "true"}
    )
    levels = ("defaults", "persistent", "transient")
    found = {name: one for level in levels for name, one in part(reply, level, kind=dict).items()}
    return wanted(found, route)


def wanted(found: Settings, route: Route) -> Settings:
    """Return what has to be set beside what was `found`.

    Addresses that are trusted already stay so.
    """
    settings: Settings = {}
    patterns = list(found.get(TRUSTED) or ())
    url = f"{route.server.rstrip('/')}/native/documents"
    if not any(_lets_through(pattern, url) for pattern in patterns):
        settings[TRUSTED] = [*patterns, f"^{re.escape(route.server.rstrip('/'))}/.*$"]
    if is_private(route.server) and str(found.get(PRIVATE)).lower() != "true":
        settings[PRIVATE] = True
    return settings


def _lets_through(pattern: str, url: str) -> bool:
    """Return whether a pattern allows an address; one that Java alone can read counts for none."""
    try:
        return re.fullmatch(pattern, url) is not None
    except re.error:
        return False


def is_private(server: str) -> bool:
    """Return whether an address is one of a private network, as far as it says so itself.

    A name of one word is one of its own network: a service of Compose or Kubernetes.

    >>> is_private("http://10.1.2.3:8080"), is_private("https://models.example")
    (True, False)
    """
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(PRIVATE_ENDS)
