"""What the machine can spare: memory and disk."""

import shutil
from pathlib import Path

from ..errors import ClusterError

NEEDED_MEMORY_MB = 1024
NEEDED_DISK_MB = 800
HEAP_RANGE_MB = (512, 4096)
BESIDES_HEAP_MB = 384
"""What the server takes beside its heap: metaspace, code, threads, buffers."""

ELSEWHERE = "or set SPLARE_URL to an OpenSearch that already runs"


def available_memory_mb(root: Path = Path("/")) -> int:
    """Return the memory that a new process can take, in MB, within the limit of its cgroup.

    `root` is where `proc` and `sys` lie. Source: `MemAvailable`, and for each cgroup (v2) that
    holds this process its `memory.max` less what it uses and can't give back.
    """
    lines = (root / "proc/meminfo").read_text().splitlines()
    memory = {name: int(rest.split()[0]) for name, _, rest in (li.partition(":") for li in lines)}
    rooms = [memory["MemAvailable"] // 1024]
    top = root / "sys/fs/cgroup"
    member = (root / "proc/self/cgroup").read_text().strip().rpartition("::/")[2]
    below = Path(member).parts if ".." not in member else ()
    for depth in range(len(below) + 1):
        room = _cgroup_room_mb(top.joinpath(*below[:depth]))
        rooms += [] if room is None else [room]
    return min(rooms)


def _cgroup_room_mb(cgroup: Path) -> int | None:
    """Return what a cgroup leaves free, in MB, or None when it sets no limit."""
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        stat = (cgroup / "memory.stat").read_text().split()
    except OSError:
        return None  # no cgroup v2 here, or the root of all, which has no such files
    if limit == "max":
        return None
    cache = int(dict(zip(stat[::2], stat[1::2], strict=True)).get("inactive_file", 0))
    return (int(limit) - used + cache) // 2**20


def choose_heap_mb(available_mb: int, asked_mb: int | None = None) -> int:
    """Return the heap in MB: `asked_mb`, else a quarter of `available_mb` within HEAP_RANGE_MB.

    >>> choose_heap_mb(8000)
    2000
    """
    low, high = HEAP_RANGE_MB
    if asked_mb is not None and asked_mb < low // 2:
        raise ValueError(f"heap_mb={asked_mb}: OpenSearch needs at least {low // 2} MB")
    needed_mb = NEEDED_MEMORY_MB if asked_mb is None else asked_mb + BESIDES_HEAP_MB
    if available_mb < needed_mb:
        raise ClusterError(
            f"memory is short: {available_mb} MB are available and the embedded OpenSearch needs "
            f"{needed_mb} MB. Free some, ask for a smaller heap, {ELSEWHERE}."
        )
    return min(max(available_mb // 4, low), high) if asked_mb is None else asked_mb


NEEDED_DATA_MB = 1024
"""The watermark above which the server places no new index."""


def require_disk(folder: Path, *, needed_mb: int = NEEDED_DISK_MB) -> None:
    """Raise ClusterError when the disk of `folder` has less than `needed_mb` free."""
    free_mb = shutil.disk_usage(folder).free // 2**20
    if free_mb < needed_mb:
        raise ClusterError(
            f"disk is short: {free_mb} MB are free at {folder} and {needed_mb} MB are needed. "
            f"Free some, set SPLARE_HOME to a folder on a larger disk, {ELSEWHERE}."
        )
