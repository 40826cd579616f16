import pytest
import torch
from torch import nn
from torch.nn import functional

from splare_os.encode.blocked import BlockedLinear, block_linears, filled_up, is_blockable

KINDS = [
    pytest.param(dtype, marks=pytest.mark.skipif(not can_be, reason="not on this processor"))
    for dtype in (torch.float32, torch.bfloat16)
    for can_be in [is_blockable(torch.zeros(1, 1, dtype=dtype))]
]


def linear_of(dtype: torch.dtype, *, bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(40, 70, bias=bias).to(dtype)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(40,), (0, 40), (1, 40), (3, 40), (1, 700, 40)])
def test_it_multiplies_as_the_plain_layer_does(
    dtype: torch.dtype, *, bias: bool, shape: tuple[int, ...]
) -> None:
    plain = linear_of(dtype, bias=bias)
    rows = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    with torch.inference_mode():
        expected, found = plain(rows), BlockedLinear(plain)(rows)
    assert found.dtype == dtype
    if dtype == torch.bfloat16:
        assert torch.equal(found, expected)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", KINDS)
def test_rows_that_are_a_part_of_others_are_read_where_they_lie(dtype: torch.dtype) -> None:
    plain = linear_of(dtype)
    rows = torch.randn(9, 100, generator=torch.Generator().manual_seed(1)).to(dtype)[:, 5:45]
    with torch.inference_mode():
        found = BlockedLinear(plain)(rows)
        torch.testing.assert_close(found, functional.linear(rows, plain.weight, plain.bias))


@pytest.mark.parametrize("dtype", KINDS)
def test_every_layer_is_replaced_and_saved_as_it_was(dtype: torch.dtype) -> None:
    model = nn.Sequential(linear_of(dtype), nn.Sequential(nn.GELU(), nn.Linear(70, 3).to(dtype)))
    saved = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    block_linears(model)
    assert [type(one).__name__ for one in model.modules() if hasattr(one, "weight")] == [
        "BlockedLinear"
    ] * 2
    again = model.state_dict()
    assert set(again) == set(saved)
    for name, tensor in saved.items():
        assert again[name].layout == torch.strided
        assert torch.equal(again[name], tensor), name


def test_what_this_processor_cannot_block_stays() -> None:
    model = nn.Sequential(nn.Linear(4, 4).to(torch.float64), nn.Linear(4, 4, device="meta"))
    block_linears(model)
    assert [type(one) for one in model] == [nn.Linear, nn.Linear]


@pytest.mark.parametrize(("n_rows", "expected"), [(0, 0), (64, 64), (65, 80), (128, 128)])
def test_many_rows_are_filled_up_with_zeros(n_rows: int, expected: int) -> None:
    found = filled_up(torch.ones(n_rows, 3))
    assert found.shape == (expected, 3)
    assert found[:n_rows].all()
    assert not found[n_rows:].any()
