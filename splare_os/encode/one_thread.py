"""Torch on one thread in a forked child."""

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
