from pathlib import Path

import pytest

from splare_os.durable import write_durably


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    for content in (b"first", b"", b"third"):
        write_durably(tmp_path / "a.json", content)
        write_durably(tmp_path / "b.json", content, writer=".7")
        assert (tmp_path / "a.json").read_bytes() == content
        assert (tmp_path / "b.json").read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", "b.json"}


def test_what_fails_leaves_the_file_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    write_durably(tmp_path / "a.json", b"before")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_durably(tmp_path / "a.json", b"after")
    assert (tmp_path / "a.json").read_bytes() == b"before"
