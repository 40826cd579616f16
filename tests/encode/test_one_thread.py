import subprocess
import sys
from pathlib import Path

FORKED = """
import os, signal, sys, torch
from splare_os.encode import load_encoder

torch.set_num_threads(2)
encoder = load_encoder(sys.argv[1], device="cpu", dtype="float32")
texts = ["the oil crisis " * 20] * 8
ours = encoder.encode_documents(texts)
if (child := os.fork()) == 0:
    signal.alarm(30)
    theirs = encoder.encode_documents(texts)
    os._exit(0 if abs(ours - theirs).max() < 1e-5 else 1)
sys.exit(os.waitpid(child, 0)[1])
"""


def test_a_child_that_is_forked_after_an_encoder_was_used_encodes_what_its_parent_does(
    tiny_folder: Path,
) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKED, str(tiny_folder)]
    subprocess.run(command, check=True, timeout=120)
