"""The two ways to have a node: the user's own that stays, and a private one in a `with` block."""

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import ClusterError, PortTakenError
from ..paths import StrPath
from . import node
from .artifacts import Progress
from .config import NodeOptions
from .distribution import install
from .guard import Guard
from .home import Home, locate, locked, own, temporary
from .node import NodeStatus
from .ports import choose_port
from .resources import NEEDED_DATA_MB, available_memory_mb, choose_heap_mb, require_disk

log = logging.getLogger(__name__)


def fetch(*, progress: Progress | None = None) -> Path:
    """Return the folder of the embedded OpenSearch, downloaded and unpacked if it isn't yet."""
    return install(locate(), progress=progress).folder


def start(
    *, port: int | None = None, heap_mb: int | None = None, progress: Progress | None = None
) -> NodeStatus:
    """Start the user's own node and return its status once it answers; its data are kept.

    One that runs already is left as it is. `port`: the first free one from 9200; `heap_mb`: a
    quarter of the available memory. It runs until `stop`.
    """
    home = locate()
    folder = own(home.node, home.account)
    with locked(folder):
        process = node.running(folder)
        if process is not None:
            return _joined(node.wait(folder, process), port)
        options = NodeOptions(choose_port(port), _heap(heap_mb))
        distribution = install(home, progress=progress)
        require_disk(folder, needed_mb=NEEDED_DATA_MB)
        while True:
            try:
                return node.start(folder, distribution, options, home.account)
            except PortTakenError:
                if port is not None:
                    raise
                options = replace(options, port=choose_port())


def _joined(found: NodeStatus, port: int | None) -> NodeStatus:
    """Return the status of a node that ran already, unless it runs on another port than asked."""
    if port is not None and found.url != f"http://127.0.0.1:{port}":
        raise ClusterError(f"the node runs at {found.url} already: stop it to use port {port}.")
    return found


def stop() -> NodeStatus:
    """Stop the user's own node, if it runs, and return its status."""
    home = locate()
    if not home.node.exists():
        return node.status(home.node)
    with locked(own(home.node, home.account)):
        return node.stop(home.node)


def status() -> NodeStatus:
    """Return the status of the user's own node."""
    return node.status(locate().node)


def resolve_url(url: str | None, *, progress: Progress | None = None) -> str:
    """Return `url`, else $SPLARE_URL, else the address of the user's own node, started if need be.

    Raises ClusterError when that node can't be started.
    """
    given = url or os.environ.get("SPLARE_URL")
    if given:
        return given
    started = start(progress=progress)
    log.info("using the embedded OpenSearch url=%s home=%s", started.url, started.home)
    return str(started.url)


def _heap(asked_mb: int | None) -> int:
    return choose_heap_mb(available_memory_mb(), asked_mb)


class EmbeddedCluster:
    """A private node for the length of a `with` block, which yields its address.

    Without a `home` its folder is temporary and removed at the end; with one, the data stay.
    `settings` go into opensearch.yml, `jvm_options` to Java (tests start faster with
    `-XX:TieredStopAtLevel=1`). Should this process be killed, a guard cleans up.
    """

    def __init__(
        self,
        *,
        home: StrPath | None = None,
        port: int | None = None,
        heap_mb: int | None = None,
        settings: Mapping[str, str] | None = None,
        jvm_options: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> None:
        self._home = None if home is None else Path(home)
        self._asked = NodeOptions(port, heap_mb, dict(settings or {}), tuple(jvm_options))
        self._progress = progress
        self._folder: Path | None = None
        self._guard: Guard | None = None

    def __enter__(self) -> str:
        """Start the node and return its address."""
        home, asked = locate(), self._asked
        port = 0 if asked.port is None else choose_port(asked.port)
        options = replace(asked, port=port, heap_mb=_heap(asked.heap_mb))
        distribution = install(home, progress=self._progress)
        folder = self._make(home)
        with locked(folder):
            process = node.running(folder)
            if process is not None:
                raise ClusterError(f"a node runs in {folder} already (process {process.pid}).")
            self._folder = folder
            self._guard = Guard(folder, is_temporary=self._home is None)
            try:
                require_disk(folder, needed_mb=NEEDED_DATA_MB)
                return str(node.start(folder, distribution, options, home.account).url)
            except BaseException:
                self._clean()
                raise

    def _make(self, home: Home) -> Path:
        if self._home is None:
            return temporary(home.account)
        return own(self._home.absolute(), home.account)

    def __exit__(self, *_: object) -> None:
        """Stop the node; remove its folder if it is temporary."""
        self._clean()

    def _clean(self) -> None:
        if self._folder is not None:
            node.stop(self._folder)
            if self._home is None:
                shutil.rmtree(self._folder)
            self._folder = None
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None
