from pathlib import Path

import pytest

from splare_os.cluster.resources import available_memory_mb, choose_heap_mb, require_disk
from splare_os.errors import ClusterError

GB = 2**30


def machine(root: Path, *, available_mb: int, cgroups: dict[str, tuple[str, int, int]]) -> Path:
    """Write the files of /proc and /sys; a cgroup is (memory.max, bytes used, of those cache)."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(
        f"MemTotal:       99999999 kB\nMemAvailable: {available_mb * 1024} kB\nHugePages_Total: 0\n"
    )
    (root / "proc/self/cgroup").write_text("0::/user.slice/app\n")
    for name, (limit, used, cache) in cgroups.items():
        folder = root / "sys/fs/cgroup" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{used}\n")
        (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\n")
    return root


def test_memory_without_a_cgroup_limit_is_what_the_system_has(tmp_path):
    root = machine(tmp_path, available_mb=5000, cgroups={"user.slice": ("max", GB, 0)})
    assert available_memory_mb(root) == 5000


def test_memory_is_what_the_tightest_cgroup_leaves_and_its_cache_counts_as_free(tmp_path):
    cgroups = {"user.slice": (str(2 * GB), GB, GB // 2), "user.slice/app": (str(4 * GB), GB, 0)}
    assert available_memory_mb(machine(tmp_path, available_mb=5000, cgroups=cgroups)) == 1536


def test_memory_limit_of_a_container_is_seen_at_the_top(tmp_path):
    root = machine(tmp_path, available_mb=5000, cgroups={"": (str(3 * GB), GB, 0)})
    assert available_memory_mb(root) == 2048


@pytest.mark.parametrize(("available", "heap"), [(1024, 512), (8000, 2000), (64_000, 4096)])
def test_heap_is_a_quarter_of_the_memory_within_bounds(available, heap):
    assert choose_heap_mb(available) == heap


def test_short_memory_is_told_in_figures():
    with pytest.raises(ClusterError, match=r"700 MB are available .* needs 1024 MB.*SPLARE_URL"):
        choose_heap_mb(700)


def test_a_heap_that_does_not_fit_is_refused():
    assert choose_heap_mb(2400, 2000) == 2000
    with pytest.raises(ClusterError, match=r"2300 MB are available .* needs 2384 MB"):
        choose_heap_mb(2300, 2000)
    with pytest.raises(ValueError, match="heap_mb=10: OpenSearch needs at least 256 MB"):
        choose_heap_mb(64_000, 10)


def test_short_disk_is_told_in_figures(tmp_path):
    require_disk(tmp_path, needed_mb=1)
    with pytest.raises(ClusterError, match=r"MB are free at .* and 999999999 MB are needed.*HOME"):
        require_disk(tmp_path, needed_mb=999_999_999)
