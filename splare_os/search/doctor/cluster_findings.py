"""What of a cluster as a whole fits: version, plugins, limits, who asks."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from opensearchpy import OpenSearch, TransportError

from ...encoder import Encoder
from ...index.bulk import BulkOptions
from ...reply import part, rows
from ..query.clause_limit import CLAUSES, SURELY, most_clauses, read_setting
from .finding import Finding, failure, ok, seen, warning

OLDEST: Mapping[str, tuple[int, ...]] = {"opensearch": (1, 0), "elasticsearch": (7, 12)}
"""The first version of each distribution whose `rank_feature` knows `linear`."""

NATIVE_HYBRID = (3, 0)
"""The first version of OpenSearch whose neural-search fuses ranks, and filters as we do."""

QUERY_LATENTS = 40
"""Latents of a query, where a model does not say."""

UNITS = {"b": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30}


def cluster_findings(client: OpenSearch, encoder: Encoder | None) -> Iterator[Finding]:
    """Yield what is found; `encoder` is the model that is going to search."""
    info: Mapping[str, Any] = {}

    def look_at_version() -> Iterator[Finding]:
        nonlocal info
        info = part(client.info(), "version", kind=dict)
        yield version_finding(info)

    yield from seen("version", "cluster:monitor/main", look_at_version)
    yield from seen("plugins", "cluster:monitor/nodes/info", lambda: _plugins(client, info))
    latents = getattr(encoder, "query_top_k", QUERY_LATENTS)
    yield from seen("limits", "cluster:monitor/settings", lambda: _limits(client, latents))
    yield from _user(client)


def version_finding(version: Mapping[str, Any]) -> Finding:
    """Return whether a server scores a dot product, by what `GET /` says of its version."""
    distribution = str(version.get("distribution", "elasticsearch"))
    number = part(version, "number", kind=str)
    found, least = f"{distribution} {number}", OLDEST.get(distribution, ())
    if numbers(number) < least:
        oldest = ".".join(map(str, least))
        remedy = f"its rank_feature knows no linear function: {distribution} {oldest} or newer does"
        return failure("version", found, remedy)
    if distribution != "opensearch":
        return warning("version", found, "splare-os is tested with OpenSearch: try it out first")
    return ok("version", found)


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version.

    >>> numbers("3.6.0-SNAPSHOT")
    (3, 6, 0)
    """
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("-")[0]))


def _plugins(client: OpenSearch, version: Mapping[str, Any]) -> Iterator[Finding]:
    listed = rows(client.cat.plugins(params={"format": "json"}))
    names = sorted({str(part(plugin, "component")) for plugin in listed})
    found = ", ".join(names) or "none"
    is_new = numbers(str(version.get("number", "0"))) >= NATIVE_HYBRID
    if any("neural-search" in name for name in names) and is_new:
        yield ok("plugins", found)
    else:
        yield warning(
            "plugins",
            found,
            "hybrids are fused by the client; to fuse in the cluster (--native) install "
            "neural-search 3.0 or newer",
        )


def _limits(client: OpenSearch, latents: int) -> Iterator[Finding]:
    """Yield the limits that requests of ours could meet."""
    clauses = most_clauses(client)
    if clauses < latents <= SURELY:
        yield failure(
            "limits", f"{CLAUSES} is {clauses}", f"queries have {latents} latents: raise it"
        )
    elif clauses < latents:
        remedy = f"queries have {latents} latents, and the heaviest alone are searched: raise it"
        yield warning("limits", f"{CLAUSES} is {clauses}", remedy)
    else:
        yield ok("limits", f"{CLAUSES} is {clauses}, for {latents} latents a query")
    yield from _request_size(client)


def _request_size(client: OpenSearch) -> Iterator[Finding]:
    name = "http.max_content_length"
    if (value := read_setting(client, name)) is None:
        return
    if byte_size(value) < (sent := BulkOptions().max_bytes):
        remedy = f"the worker sends up to {sent} bytes at a time: raise it"
        yield failure("limits", f"{name} is {value}", remedy)
    else:
        yield ok("limits", f"{name} is {value}")


def byte_size(text: str) -> int:
    """Return bytes as a setting tells them.

    >>> byte_size("100mb"), byte_size("512B")
    (104857600, 512)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?b)", text.strip().lower())
    return int(float(found[1]) * UNITS[found[2]]) if found else 2**63


def _user(client: OpenSearch) -> Iterator[Finding]:
    """Yield who asks, where the cluster has a plugin for that."""
    try:
        info = client.transport.perform_request("GET", "/_plugins/_security/authinfo")
    except TransportError:
        yield ok("user", "the cluster has no security plugin, or does not tell")
        return
    yield ok("user", f"{info.get('user_name')}, roles {', '.join(info.get('roles', ())) or 'none'}")
