"""The most memory that one system holds, in a process of its own.

python -m benchmarks.memory SYSTEM FULL SAE OURS N_BLOCKS WINDOW DTYPE DEVICE < texts, one a line
"""

import subprocess
import sys
from pathlib import Path

import torch

from splare_os.encode.load import load_encoder
from splare_os.encode.throughput import peak_bytes

from .systems import Chunked, Files, Plain


def peak(system: str, files: Files, texts: list[str], dtype: str, device: str) -> int:
    """Return the peak bytes of a fresh process that loads `system` and encodes `texts`."""
    arguments = (files.full, files.sae, files.ours, files.n_blocks, files.window, dtype, device)
    command = [sys.executable, "-m", "benchmarks.memory", system, *map(str, arguments)]
    lines = "\n".join(" ".join(text.split()) for text in texts)
    done = subprocess.run(
        command,
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    return int(done.stdout.split()[-1])


def main() -> None:
    """Encode the texts on stdin once with the system named, and print the peak."""
    system, full, sae, ours, n_blocks, window, dtype, device = sys.argv[1:]
    files = Files(Path(full), Path(sae), Path(ours), int(n_blocks), int(window))
    texts = sys.stdin.read().splitlines()
    if system == "ours":
        load_encoder(ours, device=device, dtype=dtype).encode_documents(texts)
    else:
        kind = {"plain": Plain, "chunked": Chunked}[system]
        kind(files, getattr(torch, dtype), device).encode(texts)
    sys.stdout.write(f"{peak_bytes(torch.device(device))}\n")


if __name__ == "__main__":
    main()
