"""A real OpenSearch with ml-commons, neural-search and k-NN, for tests of the native route."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from splare_os.cluster import artifacts, node
from splare_os.cluster.artifacts import Artifact
from splare_os.cluster.config import NodeOptions
from splare_os.cluster.distribution import Distribution, install, unpack
from splare_os.cluster.home import locate, locked, own, temporary

ML_COMMONS = Artifact(
    "org.opensearch.plugin",
    "opensearch-ml-plugin",
    "3.6.0.0",
    "c051d436fe1936da1477bb999db829eb2bc92b12989e376c300d0a874fb90f9d",
)


@contextmanager
def ml_cluster(heap_mb: int = 768) -> Iterator[str]:
    """Yield the address of a node with ml-commons that runs for the length of the block."""
    home = locate()
    found = install(home)
    cache = own(own(home.cache, home.account) / "older", home.account)
    with locked(cache):
        server = _with_ml_commons(found.folder, cache)
    folder = temporary(home.account)
    options = NodeOptions(heap_mb=heap_mb, jvm_options=("-XX:TieredStopAtLevel=1",))
    try:
        started = node.start(folder, Distribution(server, found.java_home), options, home.account)
        yield str(started.url)
    finally:
        node.stop(folder)
        shutil.rmtree(folder)


def _with_ml_commons(original: Path, cache: Path) -> Path:
    """Return the folder of that server with the plugin, put together once: files are links."""
    folder = cache / f"{original.name}-{ML_COMMONS.sha256[:8]}"
    if not folder.exists():
        building = cache / "building-ml"
        shutil.rmtree(building, ignore_errors=True)
        shutil.copytree(original, building, copy_function=os.link)
        archive = artifacts.download(ML_COMMONS, cache / "downloads")
        unpack(archive, building / "plugins" / ML_COMMONS.name)
        archive.unlink()
        building.rename(folder)
    return folder
