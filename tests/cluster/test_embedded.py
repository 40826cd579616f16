import logging
import os
import shutil
import socket
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from opensearchpy import OpenSearch

from splare_os import cluster
from splare_os.cluster import EmbeddedCluster, config, embedded
from splare_os.cluster.home import locate, temporary
from splare_os.cluster.node import birth
from splare_os.cluster.ports import choose_port
from splare_os.errors import ClusterError

FAST = "-XX:TieredStopAtLevel=1"


@pytest.fixture
def own_node(monkeypatch):
    """Let the user's own node be a new one, in a folder that goes away with it."""
    home = locate()
    folder = temporary(home.account)
    monkeypatch.setattr(embedded, "locate", lambda: replace(home, node=folder / "node"))
    monkeypatch.setattr(config, "JVM_OPTIONS", (*config.JVM_OPTIONS, FAST))
    monkeypatch.delenv("SPLARE_URL", raising=False)
    yield folder / "node"
    cluster.stop()
    shutil.rmtree(folder)


def nodes_info(url: str, metric: str) -> dict:
    with OpenSearch(url) as client:
        (info,) = client.nodes.info(metric=metric)["nodes"].values()
    return info[metric]


@pytest.mark.opensearch
def test_it_is_opensearch_3_6_with_its_plugins(client):
    assert client.info()["version"]["number"] == cluster.fetch().name.split("-")[1] == "3.6.0"
    plugins = {plugin["component"] for plugin in client.cat.plugins(format="json")}
    assert {"opensearch-neural-search", "opensearch-knn"} <= plugins


@pytest.mark.opensearch
def test_it_scores_impacts_by_their_dot_product(client):
    mapping = {"properties": {"v": {"type": "rank_features"}}}
    client.indices.create(index="cluster-impacts", body={"mappings": mapping})
    for name, impacts in {"a": {"1": 2.0, "7": 0.5}, "b": {"7": 1.0}}.items():
        client.index(index="cluster-impacts", id=name, body={"v": impacts}, refresh=True)
    clauses = [
        {"rank_feature": {"field": "v.1", "linear": {}, "boost": 0.25}},
        {"rank_feature": {"field": "v.7", "linear": {}, "boost": 3.0}},
    ]
    for query in (
        {"bool": {"should": clauses}},
        {"neural_sparse": {"v": {"query_tokens": {"1": 0.25, "7": 3.0}}}},
    ):
        hits = client.search(index="cluster-impacts", body={"query": query})["hits"]["hits"]
        assert [(hit["_id"], hit["_score"]) for hit in hits] == [("b", 3.0), ("a", 2.0)]


@pytest.mark.opensearch
def test_it_is_bound_to_loopback_only(cluster_url):
    port = urlsplit(cluster_url).port
    listening = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state = line.split()[:4]
            address, _, local_port = local.rpartition(":")
            if state == "0A" and int(local_port, 16) == port:
                listening.add(address)
    assert listening <= {"0100007F", "0000000000000000FFFF00000100007F"}
    assert listening


@pytest.mark.opensearch
def test_the_server_is_not_root_and_its_data_are_its_own(cluster_url):
    process = Path(f"/proc/{nodes_info(cluster_url, 'process')['id']}")
    assert process.stat().st_uid != 0
    data = Path(nodes_info(cluster_url, "settings")["path"]["data"][0])
    assert data.stat().st_uid == process.stat().st_uid
    assert data.stat().st_mode & 0o777 == 0o700


@pytest.mark.opensearch
def test_a_with_block_leaves_nothing_behind_and_guards_its_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"thread_pool.write.queue_size": "17"}
    with EmbeddedCluster(port=port, heap_mb=512, settings=settings, jvm_options=[FAST]) as url:
        assert url == f"http://127.0.0.1:{port}"
        pid = nodes_info(url, "process")["id"]
        found = nodes_info(url, "settings")
        assert found["thread_pool"]["write"]["queue_size"] == "17"
        folder = Path(found["path"]["data"][0]).parent
        with pytest.raises(ClusterError, match=f"port {port} is taken"), EmbeddedCluster(port=port):
            pass
    assert not folder.exists()
    assert birth(pid) is None


@pytest.mark.slow
@pytest.mark.opensearch
def test_the_users_own_node_outlives_its_starter_and_keeps_its_data(own_node, caplog):
    with caplog.at_level(logging.INFO, logger="splare_os"):
        url = cluster.resolve_url(None)
    assert f"url={url}" in caplog.text
    started = cluster.status()
    assert (started.url, started.version, started.home) == (url, "3.6.0", str(own_node))
    assert os.getsid(started.pid) == started.pid
    assert cluster.start() == started
    with pytest.raises(ClusterError, match=f"runs at {url} already: stop it to use port 9999"):
        cluster.start(port=9999)
    with pytest.raises(ClusterError, match="a node runs in"), EmbeddedCluster(home=own_node):
        pass
    with OpenSearch(url) as client:
        client.index(index="kept", id="1", body={"a": 1})
    os.kill(started.pid, 9)  # its record becomes stale
    while birth(started.pid) is not None:
        time.sleep(0.05)
    with EmbeddedCluster(home=own_node, heap_mb=512) as url, OpenSearch(url) as client:
        assert client.get(index="kept", id="1")["_source"] == {"a": 1}
    assert cluster.stop() == cluster.status()
    assert cluster.status().pid is None


@pytest.mark.slow
@pytest.mark.opensearch
def test_a_start_takes_the_next_port_where_another_took_the_first(own_node, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        chosen = iter([taken.getsockname()[1]])  # by the time that it was free
        monkeypatch.setattr(embedded, "choose_port", lambda *_: next(chosen, None) or choose_port())
        started = cluster.start(heap_mb=512)
        assert started.url != f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.opensearch
def test_a_start_that_fails_shows_the_end_of_the_log():
    with (
        pytest.raises(ClusterError, match=r"(?s)server\.log.*unknown setting \[no\.such\.thing\]"),
        EmbeddedCluster(heap_mb=256, settings={"no.such.thing": "1"}, jvm_options=[FAST]),
    ):
        pass


def test_a_java_that_refuses_its_options_is_shown():
    with (
        pytest.raises(ClusterError, match=r"(?s)ended while it was starting.*Unrecognized VM opt"),
        EmbeddedCluster(heap_mb=256, jvm_options=["-XX:+NoSuchThing"]),
    ):
        pass


def test_a_given_address_needs_no_embedded_server(monkeypatch):
    monkeypatch.setenv("SPLARE_URL", "http://search:9200")
    assert cluster.resolve_url(None) == "http://search:9200"
    assert cluster.resolve_url("http://other:9200") == "http://other:9200"


@pytest.mark.slow
@pytest.mark.opensearch
def test_a_red_index_does_not_keep_a_node_from_starting():
    home = temporary(locate().account) / "node"
    options = {"home": home, "heap_mb": 512, "jvm_options": [FAST]}
    require = {"index.routing.allocation.require.box": "hot"}
    with EmbeddedCluster(**options) as url, OpenSearch(url) as client:
        nowhere = {"wait_for_active_shards": "0"}
        client.indices.create(index="red", body={"settings": require}, params=nowhere)
        client.indices.create(index="well")
    with EmbeddedCluster(**options) as url, OpenSearch(url) as client:
        assert client.cluster.health()["status"] == "red"
        assert client.count(index="well")["count"] == 0
    shutil.rmtree(home.parent)
