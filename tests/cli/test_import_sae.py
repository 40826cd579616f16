from pathlib import Path

import torch
from safetensors.torch import load_file

from tests.cli.running import json_lines, run
from tests.models import save_model

SAE_WEIGHTS = "1_SaePooling/model.safetensors"


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


def test_relu_makes_thresholds_part_of_the_bias(tmp_path: Path) -> None:
    from sae_lens import SAE  # seconds

    save_model(tmp_path / "llama", "llama")
    config = {"architecture": "jumprelu", "d_in": 16, "d_sae": 60, "dtype": "float32"}
    metadata = {"hook_name": "blocks.1.hook_resid_post"}
    sae = SAE.from_dict({**config, "device": "cpu", "metadata": metadata})
    torch.nn.init.constant_(sae.threshold, 0.5)
    sae.save_model(tmp_path / "sae")
    where = ("import-sae", str(tmp_path / "sae"), "--backbone", str(tmp_path / "llama"))
    for name, more in (("plain", ()), ("relu", ("--relu",))):
        made = run(*where, *more, "--window", "32", "--out", str(tmp_path / name))
        assert made.exit_code == 0, made.stderr
    plain, relu = (load_file(tmp_path / n / SAE_WEIGHTS) for n in ("plain", "relu"))
    assert not relu["sae.threshold"].any()
    assert torch.equal(relu["sae.bias"], plain["sae.bias"] - 0.5)
