import gc
import os
import signal
import threading
from weakref import ref

from splare_os.forks import SafeLock, remake_in_children


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


def test_a_lock_that_another_thread_held_is_free_in_a_child() -> None:
    lock, is_held, is_over = SafeLock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            is_held.set()
            is_over.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait(60)
    if (child := os.fork()) == 0:
        signal.alarm(20)
        with lock:
            os._exit(0)
    is_over.set()
    holder.join()
    assert os.waitpid(child, 0)[1] == 0
