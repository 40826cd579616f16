import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor

from splare_os.encode.pooling import segment_max_cuda as choice_module
from splare_os.encode.pooling.segment_max_chunked import segment_max_chunked
from splare_os.encode.pooling.segment_max_cuda import Choice, segment_max_cuda
from splare_os.encode.sae.sae import SaeEncoder

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")

KINDS = ("jumprelu", "relu", "gated")
SHAPES = {
    "whole": ([16, 16, 16], 32, 64),
    "a tile and one": ([17, 16, 1, 14], 32, 64),
    "short and empty": ([0, 3, 0, 0, 1, 5, 7, 0], 32, 64),
    "one token": ([1], 32, 64),
    "odd widths": ([5, 20], 21, 37),
    "aligned odd widths": ([40, 2, 16, 6], 24, 37),
}
"""Lengths, d_in and n_latents; the interpreter's tiles have 16 tokens, 32 latents, 16 states."""


def plain(states: Tensor, lengths: Sequence[int], sae: SaeEncoder) -> Tensor:
    """Activate every token, then take the maximum: the definition."""
    parts = sae.activate(sae.pre_activations(states)).float().split(list(lengths))
    rows = [part.amax(dim=0) if len(part) else states.new_zeros(len(sae.bias)) for part in parts]
    return torch.stack([row.float() for row in rows])


def make(kind: str, d_in: int, n_latents: int, top_k: int | None = None) -> SaeEncoder:
    torch.manual_seed(0)
    weight, bias = torch.randn(n_latents, d_in) / d_in**0.5, torch.randn(n_latents) / 4
    if kind == "gated":
        return SaeEncoder.from_gated(
            weight, torch.randn(n_latents) / 4, torch.randn(n_latents) / 4, bias
        )
    threshold = torch.randn(n_latents) / 2 if kind == "jumprelu" else torch.zeros(n_latents)
    return SaeEncoder.from_tensors(weight, bias, threshold, top_k=top_k)


def interpret() -> None:
    """Print the largest difference of the kernel from `plain`, by case; in an interpreter."""
    from splare_os.encode.pooling.segment_max_triton import Tile, segment_max_triton

    differences: dict[str, float] = {}
    for kind in KINDS:
        for shape, (lengths, d_in, n_latents) in SHAPES.items():
            sae, states = make(kind, d_in, n_latents), torch.randn(sum(lengths), d_in)
            for has_tma in (False, True):
                tile = Tile(16, 32, 16, n_warps=4, n_stages=1, has_tma=has_tma)
                largest = segment_max_triton(states, lengths, sae, tile=tile)
                gap = (largest - plain(states, lengths, sae)).abs().max()
                case = f"{kind}, {shape}"
                differences[case] = max(differences.get(case, 0.0), float(gap))
    print(json.dumps(differences))


@pytest.fixture(scope="module")
def differences() -> dict[str, float]:
    """What `interpret` prints: Triton has to be told before it is first imported."""
    call = "from tests.encode.pooling.test_segment_max_cuda import interpret; interpret()"
    run = subprocess.run(
        [sys.executable, "-c", call],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, float] = json.loads(run.stdout)
    return found


@needs_triton
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_equals_the_plain_maximum(
    kind: str, shape: str, differences: dict[str, float]
) -> None:
    assert differences[f"{kind}, {shape}"] < 1e-5


@needs_triton
def test_the_kernel_refuses_a_top_k() -> None:
    from splare_os.encode.pooling.segment_max_triton import FLOAT32_TILES, segment_max_triton

    with pytest.raises(ValueError, match="top_k=2: the kernel has no cut"):
        segment_max_triton(torch.zeros(1, 4), [1], make("relu", 4, 8, 2), tile=FLOAT32_TILES[0])


@pytest.mark.parametrize("block_bytes", [1, 3000, 2**20])
@pytest.mark.parametrize("kind", KINDS)
def test_blocks_of_any_size_equal_the_plain_maximum(kind: str, block_bytes: int) -> None:
    sae = make(kind, 12, 50)
    lengths = [4, 4, 0, 9, 1, 0]
    states = torch.randn(sum(lengths), 12)
    largest = segment_max_chunked(states, lengths, sae, block_bytes=block_bytes)
    torch.testing.assert_close(largest, plain(states, lengths, sae))


def test_bfloat16_states_equal_the_plain_maximum() -> None:
    sae = make("jumprelu", 16, 40)
    sae.weight.data = sae.weight.data.bfloat16()
    states = torch.randn(11, 16).bfloat16()
    expected = torch.stack(
        [
            sae.activate((part @ sae.weight.T).float() + sae.bias).amax(dim=0)
            for part in states.split([5, 6])
        ]
    )
    torch.testing.assert_close(segment_max_chunked(states, [5, 6], sae), expected)


def test_no_tokens_are_no_activations() -> None:
    states = torch.zeros(0, 4)
    assert segment_max_chunked(states, [0, 0], make("relu", 4, 8)).tolist() == [[0.0] * 8] * 2


def test_lengths_that_miss_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="lengths sum to 3: there are 5 tokens"):
        segment_max_cuda(torch.zeros(5, 4), [1, 2], make("relu", 4, 8))


def other_route(states: Tensor, lengths: Sequence[int], sae: SaeEncoder) -> Tensor:
    return plain(states, lengths, sae)


class Timer:
    """Seconds in the order of the candidates; counts what it is asked."""

    def __init__(self, *seconds: float) -> None:
        self.seconds, self.n_calls = seconds, 0

    def __call__(self, _: Callable[[], object]) -> float:
        self.n_calls += 1
        return self.seconds[(self.n_calls - 1) % len(self.seconds)]


def choice(timer: Timer) -> Choice:
    routes = {"chunked": segment_max_chunked, "other": other_route}
    return Choice(lambda _: routes, timer)


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure from the 20th token on, in batches of 10."""
    monkeypatch.setattr(choice_module, "TOKENS_BEFORE_MEASURING", 20)
    monkeypatch.setattr(choice_module, "MEASURED_TOKENS", 10)


@pytest.mark.usefixtures("early")
def test_nothing_is_timed_for_first_or_small_batches() -> None:
    timer, sae = Timer(2.0, 1.0), make("relu", 4, 8)
    routes = choice(timer)
    assert routes.route(torch.zeros(19, 4), [19], sae) is segment_max_chunked
    assert routes.route(torch.zeros(9, 4), [9], sae) is segment_max_chunked
    assert timer.n_calls == 0


@pytest.mark.usefixtures("early")
def test_the_quickest_route_is_timed_once_and_kept() -> None:
    timer, sae = Timer(2.0, 1.0), make("relu", 4, 8)
    routes = choice(timer)
    assert routes.route(torch.zeros(20, 4), [20], sae) is other_route
    assert routes.route(torch.zeros(30, 4), [30], sae) is other_route
    assert routes.route(torch.zeros(1, 4), [1], sae) is other_route
    assert timer.n_calls == 2


@pytest.mark.usefixtures("early")
def test_other_widths_are_other_work() -> None:
    timer = Timer(2.0, 1.0)
    routes = choice(timer)
    routes.route(torch.zeros(20, 4), [20], make("relu", 4, 8))
    assert routes.route(torch.zeros(10, 4), [10], make("relu", 4, 9)) is segment_max_chunked
    assert timer.n_calls == 2


@pytest.mark.usefixtures("early")
def test_a_route_that_fails_is_not_taken() -> None:
    routes = choice(Timer(2.0, float("inf")))
    states = torch.zeros(20, 4)
    assert routes.route(states, [20], make("relu", 4, 8)) is segment_max_chunked


def test_a_route_that_cannot_be_built_takes_forever(caplog: pytest.LogCaptureFixture) -> None:
    def failing() -> object:
        raise RuntimeError("no C compiler")

    with caplog.at_level(logging.WARNING):
        assert choice_module._seconds(failing) == float("inf")
    assert "no C compiler" in caplog.text


def test_without_triton_the_plain_route_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "splare_os.encode.pooling.segment_max_triton", raising=False)
    monkeypatch.setitem(sys.modules, "triton", None)
    assert choice_module._candidates(torch.zeros(1, 4)) == {"chunked": segment_max_chunked}


@needs_triton
@pytest.mark.parametrize(
    ("capability", "place", "instruction"),
    [(90, "HOPPER_TILES", "wgmma"), (80, "AMPERE_TILES", "mma.sync"), (80, "FLOAT32_TILES", "fma")],
)
def test_tiles_are_built_without_a_gpu(
    capability: int,
    place: str,
    instruction: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    from triton import compile as build
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from splare_os.encode.pooling import segment_max_triton as module

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    tile = getattr(module, place)[0]
    kind = "fp32" if place == "FLOAT32_TILES" else "bf16"
    names = module._kernel.arg_names
    sides = dict.fromkeys(names[:2], f"*{kind}")
    if tile.has_tma:
        shapes = zip(names, (tile.tokens, tile.latents), strict=False)
        sides = {name: f"tensordesc<{kind}[{rows}, {tile.states}]>" for name, rows in shapes}
    others = ["*fp32", "*fp32", "*i32", "*i32", "*i32", "i32", "i32", "i32", *["constexpr"] * 5]
    constants = (tile.tokens, tile.latents, tile.states, 16, tile.has_tma)
    source = ASTSource(
        fn=module._kernel,
        signature=sides | dict(zip(names[2:], others, strict=True)),
        constexprs={(10 + place,): value for place, value in enumerate(constants)},
    )
    options = {
        "num_warps": tile.n_warps,
        "num_stages": tile.n_stages,
        "enable_fp_fusion": True,
    }
    built = build(source, target=GPUTarget("cuda", capability, 32), options=options)
    assert instruction in built.asm["ptx"]
    assert built.asm["cubin"]


@needs_gpu
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_every_route_on_a_gpu_equals_the_plain_maximum(dtype: torch.dtype, kind: str) -> None:
    sae = make(kind, 200, 1000)
    lengths = [0, 10, 512, 1, 129, *[7] * 60]
    states = torch.randn(sum(lengths), 200).to(dtype)
    sae.weight.data = sae.weight.data.to(dtype).float()
    expected = plain(states.float(), lengths, sae)
    sae.weight.data = sae.weight.data.to(dtype)
    sae, states = sae.cuda(), states.cuda()
    tolerance = 1e-4 if dtype == torch.float32 else 1e-2
    for name, route in choice_module._candidates(states).items():
        found = route(states, lengths, sae).cpu()
        # an activation this near its threshold may pass on one side alone
        floor = sae.threshold.cpu().clamp_min(0)
        is_near = (torch.maximum(found, expected) - floor).abs() < 2 * tolerance
        gap = (found - expected).abs()[~is_near]
        assert gap.le(tolerance * (1 + expected[~is_near])).all(), name


@needs_gpu
@pytest.mark.usefixtures("early")
def test_a_choice_is_made_on_a_gpu(caplog: pytest.LogCaptureFixture) -> None:
    sae, states = make("jumprelu", 64, 512).cuda(), torch.randn(64, 64, device="cuda")
    with caplog.at_level(logging.INFO):
        found = segment_max_cuda(states, [30, 34], sae)
    assert "quickest=" in caplog.text
    torch.testing.assert_close(found, plain(states, [30, 34], sae), rtol=1e-4, atol=1e-4)
