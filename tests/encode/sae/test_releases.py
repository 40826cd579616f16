import ast
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from splare_os.encode.backbone.hub_ids import BACKBONES, HUB_IDS
from splare_os.encode.sae.release_table import judge, render
from splare_os.encode.sae.releases import TRUE_BACKBONES, locate, read_release, registry
from splare_os.errors import EncoderError
from tests.encode.conftest import Snapshot
from tests.encode.sae.test_files import (
    D_IN,
    N_LATENTS,
    Trap,
    activations,
    jump_relu,
    plain,
    save_llama_scope,
    save_sae_lens,
    states,
)

PAGE = Path(__file__).parents[3] / "docs" / "saes.md"


def theirs(release: str, sae_id: str) -> torch.Tensor:
    from sae_lens import SAE

    encoded: torch.Tensor = SAE.from_pretrained(release, sae_id).encode(states())
    assert (encoded > 0).any()
    return encoded


def save_dictionary(folder: Path, **trainer: Any) -> dict[str, Any]:
    """Write an SAE of block 3 as dictionary_learning does."""
    tensors = jump_relu()
    weights = {
        "encoder.weight": tensors["W_enc"].T.contiguous(),
        "encoder.bias": tensors["b_enc"],
        "decoder.weight": tensors["W_dec"].T.contiguous(),
        "b_dec": tensors["b_dec"],
        "threshold": torch.tensor(0.4),
    }
    config = {
        "trainer": {
            "layer": 3,
            "lm_name": "Qwen/Qwen2.5-7B-Instruct",
            "activation_dim": D_IN,
            "dict_size": N_LATENTS,
            **trainer,
        },
        "buffer": {"ctx_len": 64},
    }
    folder.mkdir(parents=True)
    torch.save(weights, folder / "ae.pt")
    (folder / "config.json").write_text(json.dumps(config))
    return weights


def test_gemma_scope_is_read_from_the_hub_s_cache(snapshot: Snapshot):
    folder = snapshot("google/gemma-scope-9b-it-res") / "layer_20/width_16k/average_l0_91"
    folder.mkdir(parents=True)
    tensors = jump_relu()
    np.savez(folder / "params.npz", **{name: tensor.numpy() for name, tensor in tensors.items()})
    ours = read_release("gemma-scope-9b-it-res-canonical", "layer_20/width_16k/canonical")
    torch.testing.assert_close(activations(ours.sae), plain(tensors), atol=1e-5, rtol=1e-5)
    assert (ours.backbone, ours.n_blocks) == ("google/gemma-2-9b-it", 21)
    assert ours.name == "gemma-scope-9b-it-res-canonical/layer_20/width_16k/canonical"


def test_gemma_scope_2_is_read_without_the_network(snapshot: Snapshot):
    folder = snapshot("google/gemma-scope-2-1b-pt") / "resid_post/layer_13_width_16k_l0_big"
    folder.mkdir(parents=True)
    tensors = jump_relu()
    stored = {name.lower(): tensor for name, tensor in tensors.items()}
    save_file(stored, folder / "params.safetensors")
    ours = read_release("gemma-scope-2-1b-pt-res", "layer_13_width_16k_l0_big")
    torch.testing.assert_close(activations(ours.sae), plain(tensors), atol=1e-5, rtol=1e-5)
    assert (ours.backbone, ours.n_blocks) == ("google/gemma-3-1b-pt", 14)


def test_llama_scope_is_read_as_sae_lens_does(snapshot: Snapshot):
    name = "Llama3_1-8B-Base-L15R-8x"
    folder = snapshot("fnlp/Llama3_1-8B-Base-LXR-8x") / name
    scale = registry()["llama_scope_lxr_8x"].norm_scaling_factor["l15r_8x"]
    save_llama_scope(folder, mean_norm=D_IN**0.5 / scale)
    ours = read_release("llama_scope_lxr_8x", "l15r_8x")
    expected = theirs("llama_scope_lxr_8x", "l15r_8x")
    torch.testing.assert_close(activations(ours.sae), expected, atol=1e-5, rtol=1e-5)
    assert (ours.backbone, ours.n_blocks) == ("meta-llama/Llama-3.1-8B", 16)


def test_a_release_in_sae_lens_format_is_read_as_sae_lens_does(snapshot: Snapshot):
    release, sae_id = "gemma-2-2b-res-matryoshka-dc", "blocks.12.hook_resid_post"
    repository = registry()[release].repo_id
    save_sae_lens(snapshot(repository) / "standard" / sae_id, "jumprelu")
    ours = read_release(release, sae_id)
    torch.testing.assert_close(activations(ours.sae), theirs(release, sae_id), atol=1e-5, rtol=1e-5)
    assert (ours.backbone, ours.n_blocks) == ("google/gemma-2-2b", 13)


@pytest.mark.parametrize(
    "trainer",
    [
        {"dict_class": "AutoEncoderTopK", "k": 5},
        {"dict_class": "BatchTopKSAE", "k": 5},
        {"dict_class": "JumpReluAutoEncoder"},
        {"dict_class": "AutoEncoder"},
    ],
    ids=lambda trainer: trainer["dict_class"],
)
def test_a_pickle_of_tensors_is_read_as_sae_lens_does(trainer: dict[str, Any], snapshot: Snapshot):
    release, sae_id = "qwen2.5-7b-instruct-andyrdt", "resid_post_layer_3_trainer_1"
    repository = snapshot("andyrdt/saes-qwen2.5-7b-instruct")
    save_dictionary(repository / "resid_post_layer_3" / "trainer_1", **trainer)
    ours = read_release(release, sae_id)
    torch.testing.assert_close(activations(ours.sae), theirs(release, sae_id), atol=1e-5, rtol=1e-5)
    assert (ours.backbone, ours.n_blocks) == ("Qwen/Qwen2.5-7B-Instruct", 4)


def test_qwen_scope_keeps_its_k_largest(snapshot: Snapshot):
    tensors = jump_relu(n_latents=200)
    stored = {"W_enc": tensors["W_enc"].T, "W_dec": tensors["W_dec"].T}
    stored |= {name: tensors[name] for name in ("b_enc", "b_dec")}
    torch.save(stored, snapshot("Qwen/SAE-Res-Qwen3-1.7B-Base-W32K-L0_50") / "layer9.sae.pt")
    ours = read_release("qwen-scope-3-1.7b-base-w32k-l50", "layer9")
    assert (ours.backbone, ours.n_blocks) == ("Qwen/Qwen3-1.7B-Base", 10)
    u = states() @ tensors["W_enc"] + tensors["b_enc"]
    expected = torch.zeros_like(u).scatter(-1, u.topk(50).indices, u.topk(50).values)
    torch.testing.assert_close(activations(ours.sae), expected, atol=1e-5, rtol=1e-5)


def test_a_pickle_of_anything_else_is_not_run(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    release, sae_id = "qwen2.5-7b-instruct-andyrdt", "resid_post_layer_3_trainer_1"
    folder = snapshot("andyrdt/saes-qwen2.5-7b-instruct") / "resid_post_layer_3" / "trainer_1"
    weights = save_dictionary(folder, dict_class="BatchTopKSAE", k=5)
    torch.save(weights | {"trap": Trap(tmp_path / "sprung")}, folder / "ae.pt")
    with pytest.raises(EncoderError, match=r"resid_post_layer_3_trainer_1.*UnpicklingError"):
        read_release(release, sae_id)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(EncoderError, match="TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD is set"):
        read_release(release, sae_id)
    assert not (tmp_path / "sprung").exists()


def test_what_a_fetched_configuration_says_is_checked(snapshot: Snapshot):
    release, sae_id = "gemma-3-1b-res-matryoshka-dc", "blocks.12.hook_resid_post"
    folder = snapshot(registry()[release].repo_id) / sae_id
    save_sae_lens(folder, "standard", normalize_activations="layer_norm")
    with pytest.raises(EncoderError, match=f"SAE {sae_id} of release {release}.*layer_norm"):
        read_release(release, sae_id)


def test_files_that_are_not_there_are_named(snapshot: Snapshot):
    with pytest.raises(EncoderError, match=r"layer0 of release qwen-scope.*cannot be read.*hub"):
        read_release("qwen-scope-3-1.7b-base-w32k-l50", "layer0")


@pytest.mark.parametrize(
    ("release", "sae_id", "message"),
    [
        ("gpt2-small-res-jb", "blocks.8.hook_resid_pre", "backbone gpt2-small is GPT-2"),
        ("qwen-scope-3-30b-a3b-base-w32k-l50", "layer9", "is a mixture of experts"),
        ("qwen-scope-3.5-27b-w80k-l50", "layer9", "is Qwen 3.5"),
        ("gemma-2b-res-jb", "blocks.6.hook_resid_post", "is Gemma 1"),
        ("llama_scope_lxm_8x", "l3m_8x", "reads hook_mlp_out: only hook_resid_post"),
        ("gemma-scope-2b-pt-att-canonical", "layer_3/width_16k/canonical", "reads attn.hook_z"),
        ("gemma-scope-2b-pt-res", "embedding/width_4k/average_l0_6", "reads hook_embed"),
        ("mwhanna-qwen3-4b-transcoders", "layer_3", "is a transcoder"),
        ("temporal-sae-gemma-2-2b", "blocks.12.hook_resid_post", "is a temporal SAE"),
    ],
)
def test_other_releases_are_refused_before_anything_is_fetched(
    release: str, sae_id: str, message: str
):
    with pytest.raises(EncoderError, match=message):
        read_release(release, sae_id)


def test_unknown_names_are_answered_with_close_ones():
    with pytest.raises(ValueError, match=r"knows \d+, such as .*llama_scope_lxr_8x"):
        read_release("llama-scope-lxr-8x", "l15r_8x")
    with pytest.raises(ValueError, match=r"llama_scope_lxr_8x has 32, such as .*l15r_8x"):
        read_release("llama_scope_lxr_8x", "L15R-8x")


def test_every_model_of_the_registry_is_in_the_table_or_refused_with_its_family():
    for release in registry():
        row = judge(release)
        assert {place.backbone for place in row.places} <= set(HUB_IDS.values()), release
        assert not any("is not known" in reason for reason in row.reasons), release


def test_the_true_backbones_are_those_of_the_neuronpedia_ids():
    for release, backbone in TRUE_BACKBONES.items():
        ids = registry()[release].neuronpedia_id.values()
        assert {name.split("/")[0] for name in ids} == {backbone.split("/")[1].lower()}
        assert locate(release, next(iter(registry()[release].saes_map))).backbone == backbone


def test_no_two_backbones_share_a_name():
    assert len({name.lower() for name in HUB_IDS}) == len(HUB_IDS)
    n_backbones = sum(len(family) for family in BACKBONES.values())
    assert n_backbones == len(set(HUB_IDS.values()))


def test_the_page_of_releases_is_what_the_registry_gives():
    page = PAGE.read_text(encoding="utf-8")
    made_with = page.split("registry of sae-lens ")[1].split()[0].rstrip(".")
    if made_with != version("sae-lens"):
        pytest.skip(f"docs/saes.md was made with sae-lens {made_with}, not {version('sae-lens')}")
    assert page == render()


@pytest.mark.parametrize("name", ["published", "files", "releases"])
def test_sae_lens_takes_seconds_to_import_and_waits_until_it_is_needed(name: str):
    source = (PAGE.parents[1] / "splare_os" / "encode" / "sae" / f"{name}.py").read_text(
        encoding="utf-8"
    )
    at_import = [ast.unparse(line) for line in ast.parse(source).body]
    assert not any(line.startswith(("import sae_lens", "from sae_lens")) for line in at_import)
