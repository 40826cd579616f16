"""The number format that a device multiplies fastest in."""

import torch


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
