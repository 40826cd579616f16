"""Which tokens see each other where a model looks only so far."""

from torch import Tensor


def within_window(i: Tensor, j: Tensor, sliding_window: int) -> Tensor:
    """Return whether a token at `i` sees one at `j`: less than `sliding_window` away.

    An attention function of transformers is told this bound, and its flash kernels count one
    less. ModernBERT hands over 1 more than its configuration's; masks include the
    configuration's, so of those the bound is the first distance that they hide.
    Source: transformers, `modeling_flash_attention_utils`, `masking_utils`.

    >>> import torch
    >>> within_window(torch.tensor([0, 1, 2, 3]), torch.tensor(1), 2).tolist()
    [True, True, True, False]
    """
    return (i - j).abs() < sliding_window
