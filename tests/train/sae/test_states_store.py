import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from splare_os.errors import TrainingError
from splare_os.train.sae.states_store import ROWS, StateStore, whole_states


def test_states_beyond_the_largest_half_are_kept_to_its_eleven_bits() -> None:
    torch.manual_seed(0)
    states = torch.randn(200, 8) * 300_000
    assert states.abs().max() > 10 * 65_504
    store = StateStore((200, 8))
    store.write(np.arange(200), states)
    assert store.note.unit == 512.0
    kept = store.states().read(slice(None))
    assert ((kept - states).abs() <= states.abs() * 2**-11 + 512 * 2**-25).all()


def test_ordinary_states_are_stored_as_plain_halves() -> None:
    store = StateStore((2, 2))
    states = torch.tensor([[1.0, -2.5], [300.0, 0.125]])
    store.write(np.array([1, 0]), states)
    assert store.note.unit == 1.0
    assert store.states().read(slice(None)).tolist() == states.flip(0).tolist()


def test_a_value_too_large_for_the_unit_rescales_what_is_there(tmp_path: Path) -> None:
    store = StateStore((3, 2), tmp_path)
    store.write(np.array([0]), torch.tensor([[8.0, 0.5]]))
    store.write(np.array([2, -1]), torch.tensor([[5e6, -3.0], [1.0, 1.0]]))
    store.keep(2, is_whole=True)
    found = whole_states(tmp_path)
    assert found is not None
    assert found.unit == 2048.0
    read = found.read(slice(None))
    torch.testing.assert_close(
        read, torch.tensor([[8.0, 0.5], [0, 0], [5e6, -3.0]]), rtol=2**-11, atol=2048 * 2**-25
    )


def test_a_store_goes_on_where_it_was_kept(tmp_path: Path) -> None:
    first = StateStore((2, 1), tmp_path)
    first.write(np.array([1]), torch.tensor([[7.0]]))
    first.keep(5)
    again = StateStore((2, 1), tmp_path)
    assert (again.n_packs, again.rows.tolist()) == (5, [[0.0], [7.0]])
    assert whole_states(tmp_path) is None
    other = StateStore((3, 1), tmp_path)
    assert (other.n_packs, other.rows.tolist()) == (0, [[0.0]] * 3)


def test_the_blocks_of_the_file_are_taken_before_the_first_state(tmp_path: Path) -> None:
    StateStore((1000, 500), tmp_path)
    assert (tmp_path / ROWS).stat().st_blocks * 512 >= 1000 * 500 * 2


def failing(code: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_a_disk_without_room_is_refused_with_the_bytes_and_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", failing(errno.ENOSPC))
    message = rf"take 1,000,000 bytes, and {tmp_path} has no room for them \(No space left"
    with pytest.raises(TrainingError, match=message):
        StateStore((1000, 500), tmp_path)
    assert not [*tmp_path.iterdir()]


def test_a_file_system_that_cannot_reserve_is_used_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", failing(errno.EOPNOTSUPP))
    assert StateStore((2, 1), tmp_path).rows.tolist() == [[0.0], [0.0]]
    monkeypatch.delattr(os, "posix_fallocate")
    assert StateStore((3, 1), tmp_path).rows.tolist() == [[0.0]] * 3


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    states = torch.ones(4, 2)
    states[1, 0] = value
    with pytest.raises(TrainingError, match="25% of the states of a pass of 4 tokens"):
        StateStore((4, 2)).write(np.arange(4), states)
