import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoModel, LlamaConfig, LlamaModel

from splare_os.encode import load_backbone
from splare_os.encode.backbone.embedding import MappedEmbedding
from tests.models import save_model, save_tokenizer

ROWS, WIDTH = 1_000_000, 64
PEAK = """
import re, sys, torch
from splare_os.encode import load_backbone
from splare_os.encode.packing import packs
from splare_os.encode.windows import split

def memory(name):
    return int(re.search(name + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024

before = memory("VmRSS")
backbone = load_backbone(sys.argv[1], n_blocks=1, window=32).eval()
windows = split(backbone.tokenizer, ["the oil crisis"], size=32, overlap=0)
(pack,) = packs(windows, max_tokens=99)
with torch.inference_mode():
    backbone.packed_states(pack)
print(memory("VmHWM") - before)
"""


def test_rows_are_looked_up_in_the_files_dtype_and_scaled_in_the_states() -> None:
    source = nn.Embedding(4, 2, dtype=torch.bfloat16)
    source.embed_scale = torch.tensor(3.0)
    rows = MappedEmbedding(source, torch.float32)(torch.tensor([[2, 0]]))
    torch.testing.assert_close(rows, source.weight[[2, 0]].float()[None] * 3)
    assert rows.dtype == torch.float32


def test_a_scale_is_not_rounded_with_the_weights(tmp_path: Path) -> None:
    save_model(tmp_path, "gemma3_text", width=24)  # its root has no end in 16 bits
    model = AutoModel.from_pretrained(tmp_path, dtype=torch.bfloat16)
    model.save_pretrained(tmp_path)
    backbone = load_backbone(str(tmp_path), n_blocks=1, window=32)
    embedding = backbone.model.get_input_embeddings()
    expected = model.get_input_embeddings().weight[5].float() * 24**0.5
    torch.testing.assert_close(embedding(torch.tensor([5]))[0], expected, atol=0, rtol=1e-6)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_large_vocabulary_and_later_blocks_are_not_read_into_memory(tmp_path: Path) -> None:
    config = LlamaConfig(
        vocab_size=ROWS,
        hidden_size=WIDTH,
        intermediate_size=65_536,
        num_hidden_layers=6,
        num_attention_heads=2,
        dtype=torch.bfloat16,
    )
    with torch.device("meta"):
        model = LlamaModel(config).to(torch.bfloat16)
    model = model.to_empty(device="cpu")
    for parameter in model.parameters():
        parameter.data.fill_(0.01)
    model.save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    embedding_bytes = ROWS * WIDTH * 2
    block_bytes = 3 * WIDTH * 65_536 * 2
    done = subprocess.run(
        [sys.executable, "-c", PEAK, tmp_path], capture_output=True, text=True, check=True
    )
    held = int(done.stdout.split()[-1])
    # one block in the file's precision and in float32, and what transformers takes by itself
    assert held < 3 * block_bytes + 60 * 2**20
    assert held < embedding_bytes + 2 * block_bytes
