"""Devices, and the number format that each multiplies fastest in."""

import torch

from ...errors import EncoderError


def best_dtype(device: str) -> torch.dtype:
    """Return bfloat16 where the device has instructions for it, else float32."""
    if device.startswith("cuda"):
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if has_bfloat16 else torch.float32
    if device == "cpu":
        found = torch.cpu.get_capabilities()
        names = ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16")
        return torch.bfloat16 if any(found.get(name) for name in names) else torch.float32
    return torch.float32


def check_device(name: str) -> None:
    """Raise `ValueError` for what is no device, `EncoderError` for a GPU that is not there."""
    try:
        kind = torch.device(name).type
    except RuntimeError as error:
        raise ValueError(f"device={name!r}: choose one such as cpu, cuda or cuda:1") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise EncoderError(f"device={name!r}: torch finds no GPU with a driver here; use cpu")
