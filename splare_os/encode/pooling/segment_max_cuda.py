"""On a GPU: the quickest route to the largest activations, by measurement.

The fused kernel moves far fewer bytes, the vendor's matrix product does more arithmetic a second;
which wins depends on the device, the type and the widths, so both are timed on real states.
"""

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median

import torch
from torch import Tensor

from ..sae.sae import SaeEncoder
from .segment_max_chunked import segment_max_chunked

logger = logging.getLogger(__name__)

MEASURED_TOKENS = 2048
"""Tokens of the smallest batch that is timed: below, launches count more than work."""
TOKENS_BEFORE_MEASURING = 2**18
"""Tokens pooled before kernels are built and timed: a shorter run would not earn that back."""
REPEATS = 5

Route = Callable[[Tensor, Sequence[int], SaeEncoder], Tensor]
Work = tuple[str, torch.dtype, int, int]
"""Device name, type of the states, and the widths of the SAE: what the quickest route hangs on."""


class Choice:
    """The quickest of several equal routes for each kind of work, measured once.

    The first of `candidates` is taken until a large batch comes after many tokens; `timer` gives
    seconds, infinity for a route that fails.
    """

    def __init__(
        self,
        candidates: Callable[[Tensor], Mapping[str, Route]],
        timer: Callable[[Callable[[], object]], float],
    ) -> None:
        self._candidates, self._timer = candidates, timer
        self._quickest: dict[Work, Route] = {}
        self._tokens: Counter[Work] = Counter()
        self._lock = threading.Lock()

    def route(self, states: Tensor, lengths: Sequence[int], sae: SaeEncoder) -> Route:
        """Return the route for these states; this may measure."""
        work = _work(states, sae)
        with self._lock:
            self._tokens[work] += len(states)
            is_due = self._tokens[work] >= TOKENS_BEFORE_MEASURING
            if work not in self._quickest and is_due and len(states) >= MEASURED_TOKENS:
                self._quickest[work] = self._measured(states, lengths, sae)
            return self._quickest.get(work, segment_max_chunked)

    def _measured(self, states: Tensor, lengths: Sequence[int], sae: SaeEncoder) -> Route:
        routes = self._candidates(states)
        seconds = {
            name: self._timer(partial(route, states, lengths, sae))
            for name, route in routes.items()
        }
        best = min(seconds, key=lambda name: seconds[name])
        timings = " ".join(f"{name}={1000 * s:.3f}ms" for name, s in seconds.items())
        logger.info("segment_max tokens=%d quickest=%s %s", len(states), best, timings)
        return routes[best]


def segment_max_cuda(states: Tensor, lengths: Sequence[int], sae: SaeEncoder) -> Tensor:
    """Return the largest activations [segment, latent], float32, of states [token, state].

    Zero where no token is active.
    """
    if sum(lengths) != len(states):
        raise ValueError(f"lengths sum to {sum(lengths)}: there are {len(states)} tokens")
    with torch.cuda.device_of(states):  # type: ignore[no-untyped-call]
        return _choice.route(states, lengths, sae)(states, lengths, sae)


def _work(states: Tensor, sae: SaeEncoder) -> Work:
    n_latents, d_in = sae.weight.shape
    device = torch.cuda.get_device_name(states.device) if states.is_cuda else states.device.type
    return device, states.dtype, d_in, n_latents


def _candidates(states: Tensor) -> dict[str, Route]:
    """Return all routes by name; torch for processors alone comes without Triton."""
    routes: dict[str, Route] = {"chunked": segment_max_chunked}
    try:
        from .segment_max_triton import segment_max_triton, tiles
    except ImportError as error:
        logger.info("segment_max triton=missing reason=%r", str(error))
        return routes
    for tile in tiles(states):
        name = f"triton[{tile.tokens}x{tile.latents}]"
        routes[name] = partial(segment_max_triton, tile=tile)
    return routes


def _seconds(work: Callable[[], object]) -> float:
    """Return the median time of `work` on the current GPU, infinity if it can't run there."""
    try:
        work()  # builds the kernel
        return median(_timed(work) for _ in range(REPEATS))
    except RuntimeError as error:
        logger.warning("segment_max failed reason=%r", str(error))
        return math.inf


def _timed(work: Callable[[], object]) -> float:
    start = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    end = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    start.record()
    work()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1000


_choice = Choice(_candidates, _seconds)
