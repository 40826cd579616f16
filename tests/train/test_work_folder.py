from pathlib import Path

import pytest

from splare_os.errors import TrainingError
from splare_os.train.work_folder import (
    LOCK,
    beside,
    claim,
    clear,
    last_checkpoint,
    locked,
    require_ours,
    require_same,
)

OURS = ("run.json", "checkpoint-*")


def checkpoint(work: Path, step: int, *, whole: bool = True) -> Path:
    folder = work / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    if whole:
        (folder / "trainer_state.json").write_text("{}")
    return folder


def test_a_second_training_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    work = tmp_path / "work"
    with (
        locked(work, OURS),
        pytest.raises(TrainingError, match="is in use by another training"),
        locked(work, OURS),
    ):
        pass


def test_a_folder_is_free_again_after_a_training(tmp_path: Path) -> None:
    with locked(tmp_path, OURS):
        last = checkpoint(tmp_path, 5)
    with locked(tmp_path, OURS):
        assert last_checkpoint(tmp_path) == last


def test_a_training_that_leaves_nothing_leaves_no_folder(tmp_path: Path) -> None:
    work = tmp_path / "work"
    with pytest.raises(OSError, match="no pairs"), locked(work, OURS):
        raise OSError("no pairs")
    assert not work.exists()


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    with (
        pytest.raises(ValueError, match=r"holds something else \(letters\.txt\)"),
        locked(tmp_path, OURS),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_file_is_no_work_folder(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("dear")
    with pytest.raises(ValueError, match="work is a file: give a folder to work in"):
        require_ours(tmp_path / "work", OURS)


def test_a_claimed_folder_is_for_the_same_options_alone(tmp_path: Path) -> None:
    require_same(tmp_path, {"lr": 1.0})
    assert not [*tmp_path.iterdir()]
    claim(tmp_path, {"lr": 1.0, "out": tmp_path})
    claim(tmp_path, {"lr": 1.0, "out": tmp_path})
    for check in (claim, require_same):
        with pytest.raises(TrainingError, match=r"options: k=None there, 3 now; lr=1\.0 there, 2"):
            check(tmp_path, {"lr": 2, "k": 3, "out": tmp_path})


def test_clearing_removes_what_is_ours_alone(tmp_path: Path) -> None:
    work = tmp_path / "work"
    with locked(work, OURS):
        checkpoint(work, 10)
        (work / "run.json").write_text("{}")
        (work / "letters.txt").write_text("dear")
        clear(work, OURS)
    assert [path.name for path in work.iterdir()] == ["letters.txt"]
    (work / "letters.txt").unlink()
    (work / LOCK).touch()
    clear(work, OURS)
    assert not work.exists()


def test_the_last_checkpoint_is_the_last_one_written_to_its_end(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    checkpoint(tmp_path, 90)
    last = checkpoint(tmp_path, 100)
    checkpoint(tmp_path, 110, whole=False)
    (checkpoint(tmp_path, 120) / "trainer_state.json").write_text('{"best')
    assert last_checkpoint(tmp_path) == last


def test_a_neighbour_keeps_the_name_and_adds_to_it() -> None:
    assert beside(Path("models/law.v2"), ".work") == Path("models/law.v2.work")
