"""Do the systems compute the same? Where they don't, no speed of theirs is worth comparing."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from splare_os.encode import SplareEncoder

MOST = 1e-4
MARGIN = 1e-5
"""Times 1 + θ: nearer to a threshold than float32 can tell over a few hundred sums."""
LEFT_OUT = 1e-4
"""Share of latents that may lie too near to their threshold to be compared."""


def check(expected: Tensor, found: Mapping[str, Tensor], threshold: Tensor) -> dict[str, float]:
    """Return the largest differences to `expected`; `SystemExit` if one is too large.

    All are impacts [text, latent] in float32, not cut; they may lie on any device.
    """
    floor, expected = threshold.clamp_min(0).double().cpu(), expected.double().cpu()
    systems = {name: impacts.double().cpu() for name, impacts in found.items()}
    near = torch.zeros_like(expected, dtype=torch.bool)
    for impacts in (expected, *systems.values()):
        near |= ((impacts.expm1() - floor).abs() < MARGIN * (1 + floor)) & (impacts > 0)
    share = float(near.double().mean())
    gaps = {name: float((it - expected).abs()[~near].max()) for name, it in systems.items()}
    if not int((expected > 0).sum()):
        raise SystemExit("no latent is active in any text: nothing is compared")
    if share > LEFT_OUT or max(gaps.values()) > MOST:
        raise SystemExit(f"the systems differ: {gaps}, left out {share:.6f}")
    return {**gaps, "left out": share}


def all_impacts(encoder: SplareEncoder, texts: Sequence[str]) -> Tensor:
    """Return ours [text, latent], not cut; each text must fit into one window."""
    windows = encoder._split(texts, with_offsets=False)
    found = torch.zeros(len(texts), encoder.n_latents, dtype=torch.float64)
    for pack, _, maxima in encoder._passes(windows):
        found[torch.from_numpy(windows.owners[pack.windows])] = maxima.cpu().log1p().double()
    return found
