import gc
import os
from weakref import ref

from splare_os.forks import remake_in_children


class Shared:
    def __init__(self) -> None:
        self.process = os.getpid()

    def in_child(self) -> None:
        self.process = os.getpid()


def test_an_object_is_made_anew_in_a_child_and_in_nothing_else() -> None:
    ours, others = Shared(), Shared()
    remake_in_children(ours)
    if (child := os.fork()) == 0:
        os._exit(0 if (ours.process, others.process) == (os.getpid(), os.getppid()) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert ours.process == os.getpid()


def test_an_object_that_nobody_has_is_not_kept() -> None:
    one = Shared()
    remake_in_children(one)
    known = ref(one)
    del one
    gc.collect()
    assert known() is None
