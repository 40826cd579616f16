"""Whether the roles in examples/deploy grant what a worker and a client really ask of a cluster."""

import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch, Transport

from splare_os.connection import find_connection
from splare_os.index import IngestOptions, ingest
from splare_os.search import SplareOpenSearch
from splare_os.serve.gate import OPEN_PATHS
from splare_os.serve.limits import Limits
from tests.hashing import HashEncoder

DEPLOY = Path(__file__).parents[1] / "examples" / "deploy"
ROLES = DEPLOY / "roles"

SPECIAL = ".splare-statistics"

ACTIONS = {
    "GET /": ("cluster:monitor/main",),
    "GET /_nodes/os": ("cluster:monitor/nodes/info",),
    "GET /INDEX/_mapping": ("indices:admin/mappings/get",),
    "PUT /INDEX/_mapping": ("indices:admin/mapping/put",),
    "GET /INDEX/_alias": ("indices:admin/aliases/get",),
    "GET /INDEX/_settings": ("indices:monitor/settings/get",),
    "GET /INDEX/_settings/NAME": ("indices:monitor/settings/get",),
    "GET /INDEX/_stats/docs": ("indices:monitor/stats",),
    "PUT /INDEX": ("indices:admin/create",),
    "POST /INDEX/_mget": ("indices:data/read/mget", "indices:data/read/mget[shard]"),
    "POST /INDEX/_refresh": ("indices:admin/refresh", "indices:admin/refresh[s]"),
    "POST /INDEX/_search": ("indices:data/read/search",),
    "GET /INDEX/_field_caps": ("indices:data/read/field_caps",),
    "GET /INDEX/_doc/ID": ("indices:data/read/get",),
    "PUT /INDEX/_doc/ID": ("indices:data/write/index", "indices:data/write/bulk[s]"),
    "DELETE /INDEX/_doc/ID": ("indices:data/write/delete", "indices:data/write/bulk[s]"),
    "POST /_bulk": ("indices:data/write/bulk",),
    "POST /INDEX/_bulk": ("indices:data/write/bulk", "indices:data/write/bulk[s]"),
    "POST /_msearch": ("indices:data/read/msearch",),
    "POST /INDEX/_msearch": ("indices:data/read/msearch",),
}
"""Request to the actions that it is to the security plugin, by the names of OpenSearch's own.

What the plugin itself says, on the newest server that it is to be had for: `tests/secured/`."""


class Recording(Transport):
    """Notes each request: its kind, and the index that it names."""

    seen: list[tuple[str, str]]

    def perform_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        self.__dict__.setdefault("seen", []).append((method, url.partition("?")[0]))
        return super().perform_request(method, url, *args, **kwargs)


def kind_of(method: str, path: str) -> tuple[str, str]:
    """Return a request as `ACTIONS` has it, and the index."""
    parts = path.strip("/").split("/")
    index = parts[0] if parts[0] and not re.match(r"_\w", parts[0]) else ""
    if index:
        parts[0] = "INDEX"
    if len(parts) == 3:
        parts[2] = {"_doc": "ID", "_settings": "NAME"}.get(parts[1], parts[2])
    return f"{method} /{'/'.join(parts)}", index


def refused(role: str, seen: list[tuple[str, str]]) -> list[str]:
    """Return what a role does not grant of requests."""
    granted = json.loads((ROLES / f"{role}.json").read_text(encoding="utf-8"))
    missing = []
    for method, path in seen:
        kind, index = kind_of(method, path)
        allowed = [*granted["cluster_permissions"]]  # of several documents, whatever their index
        for each in granted["index_permissions"]:
            if any(fnmatchcase(index, pattern) for pattern in each["index_patterns"]):
                allowed += each["allowed_actions"]
        for action in ACTIONS[kind]:
            if not any(action == one or fnmatchcase(action, one) for one in allowed):
                missing.append(f"{kind} of {index!r}: {action}")
    return missing


@pytest.fixture
def papers(client: OpenSearch, index: str) -> Iterator[str]:
    """A name that the roles are for."""
    name = f"papers-{index}"
    yield name
    client.indices.delete(index=name, params={"ignore_unavailable": "true"})


@pytest.mark.opensearch
def test_a_worker_and_a_client_ask_for_nothing_that_their_roles_refuse(
    cluster_url: str, encoder: HashEncoder, papers: str, write: Callable[..., str]
) -> None:
    lines = [{"_id": "1", "text": "oil price"}, {"_id": "2", "text": "river war"}]
    with OpenSearch(cluster_url, transport_class=Recording, timeout=60) as worker:
        for _ in range(2):  # the second time documents are compared with those that are there
            list(ingest(worker, encoder, [write(lines)], IngestOptions(index=papers)))
            lines[0]["text"] = "oil embargo"
        asked = worker.transport.seen
    cores = "GET /_nodes/os of '': cluster:monitor/nodes/info"
    assert set(refused("worker", asked)) == {cores}  # done without, where it is not granted
    assert {kind_of(*one)[0] for one in asked} >= {"PUT /INDEX", "POST /_bulk"}
    body = {"query": {"splare": {"text": "oil"}}}
    with SplareOpenSearch(cluster_url, transport_class=Recording, encoder=encoder) as client:
        assert client.search(index=papers, body=body)["hits"]["hits"]
        client.msearch(body=[{"index": papers}, body])
        asked = client.transport.seen
    assert refused("client", asked) == []
    assert {kind_of(*one)[1] for one in asked} == {papers, SPECIAL, ""}


def test_a_role_is_not_wider_than_it_says() -> None:
    assert refused("client", [("POST", "/_bulk")]) == ["POST /_bulk of '': indices:data/write/bulk"]
    assert refused("client", [("POST", "/papers/_search")]) == []
    assert refused("client", [("POST", "/letters/_search")])
    assert refused("worker", [("PUT", "/letters")])


@pytest.mark.parametrize("role", sorted(path.stem for path in ROLES.glob("*.json")))
def test_no_role_may_do_everything(role: str) -> None:
    granted = json.loads((ROLES / f"{role}.json").read_text(encoding="utf-8"))
    actions = [*granted["cluster_permissions"]]
    actions += [one for each in granted["index_permissions"] for one in each["allowed_actions"]]
    assert not {"*", "indices:*", "cluster:*", "cluster_all", "indices_all"} & set(actions)


def documents_of(name: str) -> list[Any]:
    """Return what a file of YAML holds."""
    yaml = pytest.importorskip("yaml")
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def test_pods_are_probed_at_open_paths_and_have_time_to_end() -> None:
    pod = documents_of("kubernetes/model.yml")[0]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    probes = [container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")]
    assert {one["path"] for one in probes} <= OPEN_PATHS
    _, pause_s = container["lifecycle"]["preStop"]["exec"]["command"]
    assert pod["terminationGracePeriodSeconds"] > int(pause_s) + Limits().drain_s


def test_a_pod_works_on_as_many_batches_as_it_has_cores_and_not_its_node() -> None:
    [container] = documents_of("kubernetes/model.yml")[0]["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one["valueFrom"] for one in container["env"]}
    assert told["OMP_NUM_THREADS"] == {"resourceFieldRef": {"resource": "limits.cpu"}}
    assert container["resources"]["limits"]["cpu"].isdecimal()


def test_the_server_of_the_compose_file_knows_its_cluster() -> None:
    [compose] = documents_of("compose.yml")
    around = compose["services"]["model"]["environment"] | {"XDG_CONFIG_HOME": "/nowhere"}
    found = find_connection({}, environment=around)
    assert found.urls == ("https://opensearch:9200",)
    assert (found.user, found.is_insecure) == ("admin", True)
