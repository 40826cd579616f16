"""Torch in a forked child: on one thread, as those of its parent are not there.

OpenMP counts on the threads that it once made, and waits for them for ever. Which processes use
them is not known, so that every child of one that has loaded a model has one thread.
"""

import os
from functools import cache, partial

import torch


@cache
def one_thread_in_children() -> None:
    """Let children that are forked from now on encode."""
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))
