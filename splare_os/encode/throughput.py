"""How fast an encoder runs, beside what the device could do at best."""

import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ..encoder import Encoder
from ..errors import EncoderError
from .encoder import SplareEncoder
from .flops import backbone_flops, sae_flops

SQUARES = (1024, 2048, 4096)
"""Sides of the square matrices whose product is timed."""
REPEATS = 5


@dataclass(frozen=True)
class Throughput:
    """Rates of one pass over the texts, tokenisation included, after a warm-up.

    `flop_per_s` counts backbone and SAE; `gemm_peak` is the best rate of a matrix product in the
    same run and precision. `peak_bytes` is the most memory the process (on a GPU: torch) held.
    """

    model: str
    device: str
    dtype: str
    texts: int
    tokens: int
    seconds: float
    texts_per_s: float
    tokens_per_s: float
    flop_per_s: float
    gemm_peak: float
    share_of_peak: float
    peak_bytes: int


def measure_throughput(
    encoder: Encoder, texts: Sequence[str], *, query: bool = False
) -> Throughput:
    """Encode `texts` once and return the rates; there must be at least one text."""
    if not isinstance(encoder, SplareEncoder):
        raise EncoderError(
            f"model {encoder.name!r} has no SAE pooling, or runs in several processes: a benchmark "
            "counts the work of one SplareEncoder"
        )
    if not texts:
        raise ValueError("no texts to encode: give a file with texts")
    encode = encoder.encode_queries if query else encoder.encode_documents
    encode(texts[:32])
    start = time.perf_counter()
    encode(texts)
    seconds = time.perf_counter() - start
    weight = encoder.pooling.sae.weight
    held = peak_bytes(weight.device)
    lengths = encoder.token_counts(texts, query=query)
    flop = encoder_flops(encoder, lengths)
    peak = gemm_peak(weight.device, weight.dtype, (weight.shape[1], weight.shape[0]))
    return Throughput(
        model=encoder.name,
        device=str(weight.device),
        dtype=str(weight.dtype).removeprefix("torch."),
        texts=len(texts),
        tokens=sum(lengths),
        seconds=seconds,
        texts_per_s=len(texts) / seconds,
        tokens_per_s=sum(lengths) / seconds,
        flop_per_s=flop / seconds,
        gemm_peak=peak,
        share_of_peak=flop / seconds / peak,
        peak_bytes=held,
    )


def encoder_flops(encoder: SplareEncoder, lengths: Sequence[int]) -> float:
    """Return the operations for windows of `lengths` tokens; special ones don't reach the SAE."""
    n_latents, d_in = encoder.pooling.sae.weight.shape
    n_pooled = sum(lengths) - len(lengths) * encoder.tokenizer.num_special_tokens_to_add()
    return backbone_flops(encoder.backbone.model, lengths) + sae_flops(n_pooled, d_in, n_latents)


def gemm_peak(device: torch.device, dtype: torch.dtype, sae_shape: tuple[int, int]) -> float:
    """Return the best FLOP/s of `torch.mm` over square shapes and the SAE's [state, latent]."""
    shapes = [(side, side, side) for side in SQUARES] + [(2048, *sae_shape)]
    return max(_rate(device, dtype, shape) for shape in shapes)


def _rate(device: torch.device, dtype: torch.dtype, shape: tuple[int, int, int]) -> float:
    rows, inner, columns = shape
    left = torch.randn(rows, inner, device=device).to(dtype)
    right = torch.randn(columns, inner, device=device).to(dtype)
    out = torch.empty(rows, columns, device=device, dtype=dtype)
    best = min(_seconds(lambda: torch.mm(left, right.T, out=out), device) for _ in range(REPEATS))
    return 2.0 * rows * inner * columns / best


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """Return the time of the second of two runs."""
    work()
    _wait(device)
    start = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_bytes(device: torch.device) -> int:
    """Return the most memory held so far: by torch on a GPU, by this process on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the process that started this one
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
