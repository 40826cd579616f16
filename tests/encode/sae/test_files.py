import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from splare_os.encode.sae.files import read_sae
from splare_os.encode.sae.sae import SaeEncoder
from splare_os.errors import EncoderError

D_IN, N_LATENTS = 12, 40
METADATA = {"model_name": "gemma-2-2b", "hook_name": "blocks.12.hook_resid_post"}
each_kind = pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("standard", {}),
        ("jumprelu", {}),
        ("topk", {"k": 5}),
        ("topk", {"k": 5, "rescale_acts_by_decoder_norm": True}),
        ("gated", {}),
    ],
)


def states() -> Tensor:
    return torch.randn(50, D_IN, generator=torch.Generator().manual_seed(7))


def activations(sae: SaeEncoder) -> Tensor:
    return sae.activate(sae.pre_activations(states()))


def save_sae_lens(folder: Path, architecture: str, **settings: Any) -> Any:
    """Write a random SAE as sae-lens does, and return sae-lens' own reading of it."""
    from sae_lens import SAE

    metadata = settings.pop("metadata", METADATA)
    config = {"architecture": architecture, "d_in": D_IN, "d_sae": N_LATENTS, "dtype": "float32"}
    sae = SAE.from_dict({**config, "device": "cpu", "metadata": metadata, **settings})
    generator = torch.Generator().manual_seed(3)
    for name, parameter in sae.named_parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.5
        if name == "threshold":
            parameter.data.abs_()
    sae.save_model(folder)
    return SAE.load_from_disk(folder)


@pytest.mark.parametrize("bias", [{"apply_b_dec_to_input": on} for on in (False, True)])
@each_kind
def test_a_sae_lens_folder_encodes_as_sae_lens_does(
    architecture: str, settings: dict[str, Any], bias: dict[str, bool], tmp_path: Path
):
    theirs = save_sae_lens(tmp_path, architecture, **bias, **settings)
    ours = read_sae(tmp_path)
    expected = theirs.encode(states())
    assert (expected > 0).any()
    torch.testing.assert_close(activations(ours.sae), expected, atol=1e-5, rtol=1e-5)
    assert (ours.backbone, ours.n_blocks) == ("google/gemma-2-2b", 13)
    assert ours.name == tmp_path.name


@each_kind
def test_the_average_norm_is_folded_as_sae_lens_folds_it(
    architecture: str, settings: dict[str, Any], tmp_path: Path
):
    theirs = save_sae_lens(
        tmp_path, architecture, normalize_activations="expected_average_only_in", **settings
    )
    theirs.fold_activation_norm_scaling_factor(1.7)
    ours = read_sae(tmp_path, input_scale=1.7).sae
    torch.testing.assert_close(activations(ours), theirs.encode(states()), atol=1e-5, rtol=1e-5)


def test_a_trained_batch_topk_sae_is_read_from_what_sae_lens_saves(tmp_path: Path):
    from sae_lens import SAE, BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig

    config = BatchTopKTrainingSAEConfig(
        d_in=D_IN, d_sae=N_LATENTS, k=4.0, rescale_acts_by_decoder_norm=True
    )
    torch.manual_seed(0)
    trained = BatchTopKTrainingSAE(config)
    trained.topk_threshold.fill_(0.3)
    trained.save_inference_model(str(tmp_path))
    assert json.loads((tmp_path / "cfg.json").read_text())["architecture"] == "jumprelu"
    ours, theirs = read_sae(tmp_path), SAE.load_from_disk(tmp_path)
    torch.testing.assert_close(activations(ours.sae), theirs.encode(states()), atol=1e-5, rtol=1e-5)
    assert (ours.backbone, ours.n_blocks) == ("", 0)  # its configuration has no model


def test_an_sae_of_the_time_before_sae_lens_6_is_read(tmp_path: Path):
    theirs = save_sae_lens(tmp_path, "topk", k=5, apply_b_dec_to_input=True)
    old = {
        "d_in": D_IN,
        "d_sae": N_LATENTS,
        "dtype": "float32",
        "model_name": "meta-llama/Meta-Llama-3-8B-Instruct",
        "hook_name": "blocks.3.hook_resid_pre",
        "activation_fn_str": "topk",
        "activation_fn_kwargs": {"k": 5},
        "normalize_activations": False,
    }
    (tmp_path / "cfg.json").write_text(json.dumps(old))
    ours = read_sae(tmp_path)
    torch.testing.assert_close(activations(ours.sae), theirs.encode(states()), atol=1e-5, rtol=1e-5)
    assert (ours.backbone, ours.n_blocks) == ("meta-llama/Meta-Llama-3-8B-Instruct", 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"normalize_activations": "layer_norm"}, "layer_norm is per token"),
        ({"normalize_activations": "constant_norm_rescale"}, "constant_norm_rescale is per token"),
        ({"normalize_activations": "covariance_whitening"}, "covariance_whitening: its tensors"),
        ({"normalize_activations": "expected_average_only_in"}, "give input_scale"),
        ({"reshape_activations": "hook_z"}, "reshapes its input by hook_z"),
        ({"architecture": "temporal"}, "architecture temporal: only standard, jumprelu"),
        ({"activation_fn": "tanh-relu"}, "activation function tanh-relu: only relu"),
        ({"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 5, "signed": True}}, "signed"),
        ({"activation_fn": "topk", "k": 5}, "no k"),
        ({"architecture": "topk"}, "no k"),
        ({"metadata": {"model_name": "gpt2-small"}}, "backbone gpt2-small is GPT-2"),
        ({"metadata": {"hook_name": "blocks.3.hook_mlp_out"}}, "reads hook_mlp_out: only"),
        ({"metadata": {"hook_name": "blocks.3.hook_resid_mid"}}, "reads hook_resid_mid: only"),
        ({"metadata": {"hook_name": "blocks.0.hook_resid_pre"}}, "before any block"),
    ],
)
def test_what_cannot_be_folded_is_refused_by_name(
    settings: dict[str, Any], message: str, tmp_path: Path
):
    save_sae_lens(tmp_path, "standard")
    config = json.loads((tmp_path / "cfg.json").read_text())
    metadata = config["metadata"] | settings.get("metadata", {})
    (tmp_path / "cfg.json").write_text(json.dumps(config | settings | {"metadata": metadata}))
    with pytest.raises(EncoderError, match=message) as caught:
        read_sae(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("hook", "n_blocks"),
    [("model.layers.4", 5), ("model.layers.4.output", 5), ("blocks.4.hook_resid_pre", 4)],
)
def test_a_hook_tells_how_many_blocks_are_kept(hook: str, n_blocks: int, tmp_path: Path):
    save_sae_lens(tmp_path, "standard", metadata={"hook_name": hook})
    assert read_sae(tmp_path).n_blocks == n_blocks


def test_a_model_that_is_not_in_the_table_is_left_to_the_caller(tmp_path: Path):
    save_sae_lens(tmp_path, "standard", metadata=METADATA | {"model_name": "somebody/their-llama"})
    assert read_sae(tmp_path).backbone == ""


def test_gemma_scope_is_read_from_its_npz(tmp_path: Path):
    tensors = jump_relu()
    np.savez(tmp_path / "params.npz", **{name: tensor.numpy() for name, tensor in tensors.items()})
    for path in (tmp_path, tmp_path / "params.npz"):
        ours = read_sae(path)
        torch.testing.assert_close(activations(ours.sae), plain(tensors), atol=1e-5, rtol=1e-5)
        assert (ours.backbone, ours.n_blocks) == ("", 0)


def test_gemma_scope_2_is_read_with_its_configuration(tmp_path: Path):
    tensors = jump_relu()
    save_file({name.lower(): tensor for name, tensor in tensors.items()}, params(tmp_path))
    assert (read_sae(tmp_path).backbone, read_sae(tmp_path).n_blocks) == ("", 0)
    config = {
        "architecture": "jump_relu",
        "model_name": "gemma-v3-270m-pt",
        "hf_hook_point_in": "model.layers.9.output",
        "hf_hook_point_out": "model.layers.9.output",
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    ours = read_sae(tmp_path)
    torch.testing.assert_close(activations(ours.sae), plain(tensors), atol=1e-5, rtol=1e-5)
    assert (ours.backbone, ours.n_blocks) == ("google/gemma-3-270m", 10)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"architecture": "relu"}, "architecture relu: only jump_relu"),
        ({"hf_hook_point_in": "a", "hf_hook_point_out": "b"}, "a transcoder from a to b"),
        ({"hf_hook_point_in": "model.layers.9.self_attn.o_proj.input"}, "reads self_attn"),
    ],
)
def test_gemma_scope_2_s_other_kinds_are_refused(
    setting: dict[str, str], message: str, tmp_path: Path
):
    save_file({name.lower(): tensor for name, tensor in jump_relu().items()}, params(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "jump_relu"} | setting))
    with pytest.raises(EncoderError, match=message):
        read_sae(tmp_path)


def test_llama_scope_is_scaled_to_the_norm_it_was_trained_on(tmp_path: Path):
    folder = tmp_path / "Llama3_1-8B-Base-L15R-8x"
    tensors = save_llama_scope(folder, mean_norm=2.0)
    scale = D_IN**0.5 / 2.0
    u = (states() * scale) @ tensors["encoder.weight"].T + tensors["encoder.bias"]
    expected = torch.where(u > 0.3 * scale, u, 0)
    ours = read_sae(folder)
    torch.testing.assert_close(activations(ours.sae), expected, atol=1e-5, rtol=1e-5)
    assert (ours.backbone, ours.n_blocks) == ("meta-llama/Llama-3.1-8B", 16)
    folder = folder.rename(tmp_path / "mine")
    assert read_sae(folder).backbone == ""
    settings = json.loads((folder / "hyperparams.json").read_text())
    (folder / "hyperparams.json").write_text(json.dumps(settings | {"act_fn": "topk"}))
    with pytest.raises(EncoderError, match="act_fn topk: only jumprelu"):
        read_sae(folder)


def test_an_npz_of_objects_is_not_unpickled(tmp_path: Path):
    np.savez(tmp_path / "params.npz", W_enc=np.array([Trap(tmp_path / "sprung")], dtype=object))
    with pytest.raises(EncoderError, match=r"params.npz cannot be read.*allow_pickle=False"):
        read_sae(tmp_path / "params.npz")
    assert not (tmp_path / "sprung").exists()


def test_a_folder_without_an_sae_is_told_the_formats(tmp_path: Path):
    with pytest.raises(EncoderError, match=r"no SAE: a folder has one of params\.npz, .*cfg\.json"):
        read_sae(tmp_path)
    with pytest.raises(EncoderError, match="is no SAE"):
        read_sae(tmp_path / "not-there.npz")


def test_a_damaged_file_is_named(tmp_path: Path):
    save_sae_lens(tmp_path, "jumprelu")
    (tmp_path / "sae_weights.safetensors").write_bytes(b"half")
    with pytest.raises(EncoderError, match=r"cannot be read \(SafetensorError"):
        read_sae(tmp_path)
    (tmp_path / "params.npz").write_bytes(b"PK\x03\x04 half")
    with pytest.raises(EncoderError, match=r"cannot be read \(BadZipFile"):
        read_sae(tmp_path)
    tensors = jump_relu()
    del tensors["threshold"]
    np.savez(tmp_path / "params.npz", **{name: tensor.numpy() for name, tensor in tensors.items()})
    with pytest.raises(EncoderError, match=r"cannot be read \(KeyError: 'threshold'"):
        read_sae(tmp_path)


@pytest.mark.parametrize("input_scale", [0.0, -1.0])
def test_a_scale_is_a_number_above_0(input_scale: float, tmp_path: Path):
    save_sae_lens(tmp_path, "standard", normalize_activations="expected_average_only_in")
    with pytest.raises(ValueError, match=f"input_scale={input_scale}: a number > 0"):
        read_sae(tmp_path, input_scale=input_scale)


class Trap:
    """Unpickling one makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def params(folder: Path) -> Path:
    return folder / "params.safetensors"


def jump_relu(d_in: int = D_IN, n_latents: int = N_LATENTS) -> dict[str, Tensor]:
    """Return the tensors of a Gemma Scope file; the decoder bias is not taken off the states."""
    generator = torch.Generator().manual_seed(5)
    return {
        "W_enc": torch.randn(d_in, n_latents, generator=generator),
        "W_dec": torch.randn(n_latents, d_in, generator=generator),
        "b_enc": torch.randn(n_latents, generator=generator),
        "b_dec": torch.randn(d_in, generator=generator),
        "threshold": torch.rand(n_latents, generator=generator),
    }


def plain(tensors: dict[str, Tensor]) -> Tensor:
    u = states() @ tensors["W_enc"] + tensors["b_enc"]
    return u * (u > tensors["threshold"])


def save_llama_scope(folder: Path, *, mean_norm: float) -> dict[str, Tensor]:
    """Write an SAE of block 15 with the threshold 0.3."""
    tensors = jump_relu()
    stored = {
        "encoder.weight": tensors["W_enc"].T.contiguous(),
        "encoder.bias": tensors["b_enc"],
        "decoder.weight": tensors["W_dec"].T.contiguous(),
        "decoder.bias": tensors["b_dec"],
    }
    config = {
        "d_model": D_IN,
        "d_sae": N_LATENTS,
        "hook_point_in": "blocks.15.hook_resid_post",
        "act_fn": "jumprelu",
        "jump_relu_threshold": 0.3,
        "dataset_average_activation_norm": {"in": mean_norm, "out": mean_norm},
    }
    (folder / "checkpoints").mkdir(parents=True)
    save_file(stored, folder / "checkpoints" / "final.safetensors")
    (folder / "hyperparams.json").write_text(json.dumps(config))
    return stored
