"""Torch on one thread: in a forked child, and where calls are made side by side."""

import os
from functools import cache, partial

import torch


@cache
def one_thread_in_children() -> None:
    """Let children that are forked from now on encode, though their parent's threads are not there.

    OpenMP counts on the threads that it once made, and waits for them for ever. Which processes use
    them is not known, so that every child of one that has loaded a model has one thread.
    """
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


def a_thread_each() -> int:
    """Give every call to torch one thread in this process, and return how many there were for one.

    Threads that share a product wait for each other at its end. Where others want the processor
    too, as the event loop of a server does, that is most of their time.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    return n_threads
