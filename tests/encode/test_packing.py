import numpy as np

from splare_os.encode.packing import Segments, packs
from splare_os.encode.windows import Windows


def windows_of(*lengths: int) -> Windows:
    ids = [[10 * number + place for place in range(n)] for number, n in enumerate(lengths)]
    return Windows(ids, [], np.arange(len(lengths)), len(lengths))


def test_offsets_are_where_segments_begin_and_the_total() -> None:
    assert Segments((3, 0, 2)).offsets == (0, 3, 3, 5)


def test_packs_hold_every_window_with_tokens_once_longest_first() -> None:
    windows = windows_of(1, 9, 3, 7, 2, 0, 12)
    found = list(packs(windows, max_tokens=12))
    assert [pack.windows.tolist() for pack in found] == [[6], [1], [3, 2, 4], [0]]
    assert [pack.segments.lengths for pack in found] == [(12,), (9,), (7, 3, 2), (1,)]
    for pack in found:
        expected = [token for window in pack.windows for token in windows.ids[window]]
        assert pack.ids.tolist() == expected
        places = [place for n in pack.segments.lengths for place in range(n)]
        assert pack.positions.tolist() == places


def test_a_window_over_the_budget_is_a_pack_of_its_own() -> None:
    found = list(packs(windows_of(20, 1), max_tokens=8))
    assert [pack.segments.lengths for pack in found] == [(20,), (1,)]


def test_no_windows_make_no_packs() -> None:
    assert list(packs(windows_of(), max_tokens=8)) == []
