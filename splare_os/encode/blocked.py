"""Weights in oneDNN's blocked layout, and rows as many as it has had before.

A product then need not lay weights out at each call. In bfloat16 the products are the same to the
bit; in float32 sums are in another order than MKL's. And for each new number of rows oneDNN
compiles a product anew, which takes several times as long as the product itself: of rows that are
filled up to a few numbers all are compiled soon. `python -m benchmarks.blocked` measures both.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

FEW, STEP = 64, 16
"""More than a few rows are filled up to a multiple of `STEP`: oneDNN keeps as many products."""


def rows_missing(n_rows: int) -> int:
    """Return how many rows of zeros a product on a processor is given besides.

    >>> rows_missing(18), rows_missing(256), rows_missing(300)
    (0, 0, 4)
    """
    return -n_rows % STEP if n_rows > FEW else 0


def filled_up(rows: Tensor) -> Tensor:
    """Return rows [row, state] of a processor with zeros after them, others as they are."""
    missing = rows_missing(len(rows)) if rows.device.type == "cpu" else 0
    return functional.pad(rows, (0, 0, 0, missing)) if missing else rows


def is_blockable(weight: Tensor) -> bool:
    """Tell whether this processor multiplies weights of this kind in a blocked layout."""
    has_onednn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    is_x86 = torch.backends.cpu.get_cpu_capability().startswith("AVX")
    if weight.device.type != "cpu" or not has_onednn or not is_x86:
        return False
    if weight.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return weight.dtype == torch.float32


def to_blocked(weight: Tensor) -> Tensor:
    """Return a weight [out, in] in the layout that `blocked_linear` reads."""
    blocked: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), None)
    return blocked


def blocked_linear(rows: Tensor, blocked: Tensor, bias: Tensor | None) -> Tensor:
    """Return rows · weightᵀ + bias [..., out] of rows [..., in], as `functional.linear` does."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(rows, blocked, bias, "none", [], "")
    return product


class BlockedLinear(nn.Module):
    """What `nn.Linear` computes, without gradients; its weight is kept in the blocked layout alone.

    `weight` [out, in] is made anew when it is asked for, and is saved as if it had been there.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.bias = linear.bias
        self._blocked = to_blocked(linear.weight)

    @property
    def weight(self) -> Tensor:
        """The weight in rows."""
        return self._blocked.to_dense(self._blocked.dtype)

    def forward(self, rows: Tensor) -> Tensor:
        """Return [..., out] of rows [..., in]."""
        return blocked_linear(rows, self._blocked, self.bias)

    def _save_to_state_dict(
        self, destination: dict[str, Tensor], prefix: str, *options: bool
    ) -> None:
        super()._save_to_state_dict(destination, prefix, *options)
        destination[f"{prefix}weight"] = self.weight


def block_linears(module: nn.Module) -> None:
    """Put a `BlockedLinear` in the place of every linear layer within `module` that can be one."""
    for name, child in module.named_children():
        if type(child) is nn.Linear and is_blockable(child.weight):
            setattr(module, name, BlockedLinear(child))
        else:
            block_linears(child)
