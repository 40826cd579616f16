import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from splare_os.cluster import home
from splare_os.cluster.home import ROOT_HOME, Account, locate, locked, own, temporary
from splare_os.errors import ClusterError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def folder():
    """A folder that the server's user can enter; pytest's own are closed."""
    path = temporary(locate().account)
    yield path
    shutil.rmtree(path)


def test_an_ordinary_user_has_cache_and_state_where_the_desktop_says(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/ada")
    found = locate({"XDG_STATE_HOME": "/mnt/state", "XDG_CACHE_HOME": "not/absolute"})
    assert found.cache == Path("/home/ada/.cache/splare-os")
    assert found.node == Path("/mnt/state/splare-os/node")
    assert found.account is None


def test_splare_home_holds_everything(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = locate({"SPLARE_HOME": "/srv/splare"})
    assert (found.cache, found.node) == (Path("/srv/splare/cache"), Path("/srv/splare/node"))


def test_root_lives_outside_of_its_home_and_drops_its_rights(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = locate({"HOME": "/root", "XDG_CACHE_HOME": "/root/.cache"})
    assert found.node == ROOT_HOME / "node"
    assert found.account
    assert found.account.uid != 0


def test_root_without_another_user_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(home, "UNPRIVILEGED", "no-such-user")
    with pytest.raises(ClusterError, match="refuses to run as root.*'no-such-user'.*Create one"):
        locate({})


def test_other_systems_are_sent_to_a_running_server(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ClusterError, match="not on win32: set SPLARE_URL"):
        locate({})


@pytest.mark.parametrize(("account", "mode"), [(None, 0o700), (Account(65534, 65534), 0o755)])
def test_folders_have_the_mode_that_the_server_needs_whatever_the_umask(folder, account, mode):
    umask = os.umask(0o077)
    try:
        made = own(folder / "new" / "node", account if os.geteuid() == 0 else None)
    finally:
        os.umask(umask)
    assert made.stat().st_mode & 0o777 == (mode if os.geteuid() == 0 else 0o700)


def test_a_folder_that_others_can_write_is_refused(folder):
    folder.chmod(0o777)
    with pytest.raises(ClusterError, match=r"writable by other users \(mode 777\).*SPLARE_HOME"):
        own(folder, None)


def test_a_link_is_refused(folder):
    (folder / "real").mkdir()
    (folder / "link").symlink_to("real")
    with pytest.raises(ClusterError, match="link is not a folder that user id"):
        own(folder / "link", None)


@as_root
def test_a_folder_of_another_user_is_refused(folder):
    os.chown(folder, 65534, 65534)
    with pytest.raises(ClusterError, match="not a folder that user id 0 owns"):
        own(folder, locate().account)


@as_root
def test_a_place_that_the_servers_user_cannot_enter_is_refused(folder):
    folder.chmod(0o700)
    with pytest.raises(ClusterError, match=f"below {folder}, which the server's user 'nobody' can"):
        own(folder / "node", locate().account)


@as_root
def test_a_place_below_another_users_folder_is_refused(folder):
    os.chown(folder, 65534, 65534)
    with pytest.raises(ClusterError, match=f"below {folder}, which other users than root can cha"):
        own(folder / "node", locate().account)


@as_root
def test_a_closed_temporary_directory_is_passed_over(folder, monkeypatch):
    folder.chmod(0o700)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    made = temporary(locate().account)
    made.rmdir()
    assert made.parent == Path("/tmp")


def test_a_folder_that_cannot_be_made_is_told(folder):
    (folder / "file").write_text("")
    with pytest.raises(ClusterError, match=r"can't use the folder .*/file/node: .*SPLARE_HOME"):
        own(folder / "file" / "node", None)


def test_the_lock_keeps_other_processes_waiting(tmp_path):
    program = (
        "import sys, pathlib; from splare_os.cluster.home import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('in')"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with locked(tmp_path):
        other = subprocess.Popen(command, stdout=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            other.communicate(timeout=0.7)
    assert other.communicate(timeout=30)[0] == b"in\n"


@pytest.mark.parametrize("name", ["a=b", "a:b", "a,b"])
def test_a_path_that_java_would_split_is_refused(tmp_path, name):
    with pytest.raises(ClusterError, match="in its path, where Java or OpenSearch split it"):
        own(tmp_path / name, None)
    assert not (tmp_path / name).exists()
