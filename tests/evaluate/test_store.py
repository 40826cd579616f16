from pathlib import Path

import numpy as np
import pytest

from splare_os.errors import EvaluationError
from splare_os.evaluate.store import Arrays, Store, default_cache_folder, opened_store


def make() -> Arrays:
    return {"values": np.arange(3)}


def never() -> Arrays:
    raise AssertionError("it is there already")


def test_what_was_made_is_read_the_next_time(tmp_path: Path) -> None:
    with opened_store("a", "b") as store:
        assert not store.holds(0)
        store.chunk(0, make)
    with opened_store("a", "b") as store:
        assert store.holds(0)
        assert store.chunk(0, never)["values"].tolist() == [0, 1, 2]
        assert default_cache_folder() in store.folder.parents
        assert default_cache_folder() == tmp_path / "cache" / "splare-os" / "evaluate"
    with opened_store("a", "c") as store:
        assert not store.holds(0)


def test_without_cache_nothing_stays() -> None:
    with opened_store("a", cache=False) as store:
        store.chunk(0, make)
        assert store.chunk(0, never)["values"].tolist() == [0, 1, 2]
    assert not store.folder.exists()
    assert not default_cache_folder().exists()


def test_an_interruption_leaves_no_part_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)

    def interrupted(file: object, **_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.chunk(0, make)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.path(0).write_bytes(b"no archive")
    with pytest.raises(EvaluationError, match=r"000000.npz cannot be read .*: delete it"):
        store.chunk(0, never)


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / ".cache" / "splare-os" / "evaluate"
