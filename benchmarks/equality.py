"""Do the systems compute the same? Where they don't, no speed of theirs is worth comparing."""

from collections.abc import Sequence

import torch

from splare_os.encode import SplareEncoder

from .systems import Chunked, Plain

MOST = 1e-4
MARGIN = 1e-5
"""Times 1 + θ: nearer to a threshold than float32 can tell over a few hundred sums."""
LEFT_OUT = 1e-4
"""Share of latents that may lie too near to their threshold to be compared."""


def check(
    plain: Plain, chunked: Chunked, ours: SplareEncoder, texts: Sequence[str]
) -> dict[str, float]:
    """Return the largest differences to `plain` in float32; `SystemExit` if one is too large."""
    expected = plain.impacts(texts).double()
    floor = ours.pooling.sae.threshold.clamp_min(0).double()
    margin = MARGIN * (1 + floor)
    systems = {"chunked": chunked.impacts(texts).double(), "ours": _all_impacts(ours, texts)}
    near = ((expected.expm1() - floor).abs() < margin) & (expected > 0)
    for found in systems.values():
        near |= ((found.expm1() - floor).abs() < margin) & (found > 0)
    share = float(near.double().mean())
    gaps = {name: float((found - expected).abs()[~near].max()) for name, found in systems.items()}
    if share > LEFT_OUT or max(gaps.values()) > MOST:
        raise SystemExit(f"the systems differ: {gaps}, left out {share:.6f}")
    return {**gaps, "left out": share}


def _all_impacts(encoder: SplareEncoder, texts: Sequence[str]) -> torch.Tensor:
    windows = encoder._split(texts, with_offsets=False)
    found = torch.zeros(len(texts), encoder.n_latents, dtype=torch.float64)
    for pack, _, maxima in encoder._passes(windows):
        found[torch.from_numpy(windows.owners[pack.windows])] = maxima.cpu().log1p().double()
    return found
