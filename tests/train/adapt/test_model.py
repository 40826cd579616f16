from pathlib import Path

import pytest
import torch
from torch.nn import functional

from splare_os.encode.packing import pack
from splare_os.encode.windows import Windows
from splare_os.train.adapt.batches import Batch, Masking
from splare_os.train.adapt.model import load_language_model, masked_loss
from tests.models import save_model
from tests.train.adapt.test_training import DECODERS, save_decoder

LENGTHS = (9, 4, 4, 12)


def batch(*, from_previous: bool) -> Batch:
    chance = torch.Generator().manual_seed(0)
    ids = [torch.randint(4, 90, (length,), generator=chance).tolist() for length in LENGTHS]
    windows = Windows(ids, [], torch.arange(len(ids)).numpy(), len(ids))
    masking = Masking(0.4, 5, 90, frozenset({0, 1, 2, 3}), from_previous)
    return masking.apply(pack(windows, windows.owners), seed=1)


def padded_loss(model: torch.nn.Module, batch: Batch, *, from_previous: bool) -> torch.Tensor:
    """The plain way: each window alone, all logits, then those of the masked places."""
    start, logits = 0, []
    for length in LENGTHS:
        ids = batch["input_ids"][:, start : start + length]
        logits.append(model(input_ids=ids).logits[0])
        start += length
    row = torch.cat(logits)
    return functional.cross_entropy(row[batch["places"] - int(from_previous)], batch["targets"])


@pytest.mark.parametrize("family", ["bert", "modernbert", *DECODERS])
def test_loss_and_gradients_are_those_of_each_window_alone_with_all_logits(
    family: str, tmp_path: Path
) -> None:
    decoder = family not in ("bert", "modernbert")
    if decoder:
        save_decoder(tmp_path, family)
    else:
        save_model(tmp_path, family)
    model = load_language_model(str(tmp_path), seed=0).train()
    masked = batch(from_previous=decoder)
    found = masked_loss(model, masked)
    found.backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    model.set_attn_implementation("eager")
    plain = padded_loss(model, masked, from_previous=decoder)
    plain.backward()
    torch.testing.assert_close(found, plain, atol=1e-5, rtol=1e-5)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            scale = float(parameter.grad.abs().max())
            gap = float((gradients[name] - parameter.grad).abs().max())
            assert gap <= 1e-4 * scale + 1e-6, name
