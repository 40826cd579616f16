from pathlib import Path

import torch

from tests.cli.running import json_lines, run
from tests.models import save_model


def test_import_sae_makes_a_model_folder(tmp_path: Path) -> None:
    from sae_lens import SAE  # seconds

    save_model(tmp_path / "llama", "llama")
    config = {"architecture": "standard", "d_in": 16, "d_sae": 60, "dtype": "float32"}
    metadata = {"hook_name": "blocks.1.hook_resid_post"}
    sae = SAE.from_dict({**config, "device": "cpu", "metadata": metadata})
    torch.nn.init.normal_(sae.W_enc)
    sae.save_model(tmp_path / "sae")
    made = run(
        *("import-sae", str(tmp_path / "sae"), "--backbone", str(tmp_path / "llama")),
        *("--window", "32", "--out", str(tmp_path / "model")),
    )
    assert made.exit_code == 0, made.stderr
    (line,) = json_lines(made.stdout)
    assert line["n_latents"] == 60
    result = run("encode", "--model", str(tmp_path / "model"), "-", stdin="the oil crisis")
    (encoded,) = json_lines(result.stdout)
    assert encoded["impacts"]
    again = run("import-sae", str(tmp_path / "sae"), "--out", str(tmp_path / "model"))
    assert again.exit_code == 2
    assert "exists: give a new folder" in again.stderr
    refused = run("import-sae", str(tmp_path / "llama"), "--out", str(tmp_path / "other"))
    assert refused.exit_code == 1
    assert "llama" in refused.stderr
