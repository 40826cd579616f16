"""What a run, and what a part of it, is stopped by."""

from splare_os.index.stop import Stop


def test_a_part_is_stopped_with_the_whole_and_alone():
    whole = Stop()
    first, second = whole.part(), whole.part()
    first.set()
    assert (whole.is_set(), first.is_set(), second.is_set()) == (False, True, False)
    whole.set()
    assert second.is_set()
    assert whole.part().is_set()
