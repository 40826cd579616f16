"""The models that are measured: mini with its backbone at full depth, and Gemma 2 2B's shape."""

from importlib import resources
from pathlib import Path

import torch
from sae_lens import JumpReLUSAE, JumpReLUSAEConfig
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModel, AutoTokenizer, Gemma2Config, Gemma2Model

from splare_os.encode import Card, SaeEncoder, SplareEncoder, load_backbone
from splare_os.evaluate.dense import load_dense

from .systems import Files

MINI_WINDOW = 256
GEMMA_BLOCKS = 7
GEMMA_LATENTS = 65_536
ACTIVE = 100
"""Latents active at a token of the Gemma shape, as in Gemma Scope's SAEs."""


def mini_files(work: Path) -> Files:
    """Return mini, and all-MiniLM-L6-v2 at full depth with mini's own weights where it has any."""
    ours = Path(str(resources.files("splare_os"))) / "mini"
    encoder = SplareEncoder.load(ours, device="cpu", dtype="float32")
    name = f"mini-{encoder.fingerprint}"
    files = Files(
        work / f"{name}-full",
        work / f"{name}-sae",
        ours,
        encoder.backbone.model.config.num_hidden_layers,
        MINI_WINDOW,
    )
    if not files.sae.exists():
        full = load_dense()[0].model
        full.load_state_dict(encoder.backbone.model.state_dict(), strict=False)
        full.save_pretrained(files.full)
        encoder.tokenizer.save_pretrained(files.full)
        _save_sae(encoder.pooling.sae, files.sae)
    return files


def gemma_files(work: Path, window: int, *, tiny: bool = False) -> Files:
    """Return random weights of Gemma 2 2B's shape, and an SAE of 65,536 latents after block 7.

    With `tiny`, a shape of the same kind that takes no time.
    """
    name = "gemma-tiny" if tiny else "gemma-2b"
    n_latents = 256 if tiny else GEMMA_LATENTS
    files = Files(
        work / f"{name}-full", work / f"{name}-sae", work / f"{name}-{window}", GEMMA_BLOCKS, window
    )
    if not files.full.exists():
        _save_gemma(files.full, tiny=tiny)
    if not files.ours.exists():
        backbone = load_backbone(
            str(files.full), n_blocks=GEMMA_BLOCKS, window=window, dtype=None
        ).eval()
        sae = _random_sae(backbone.get_embedding_dimension(), n_latents)
        encoder = SplareEncoder.build(backbone, sae, Card(name, window=window, overlap=8))
        _set_threshold(encoder)
        _save_sae(sae, files.sae)
        encoder.save(files.ours)
    return files


def _save_gemma(folder: Path, *, tiny: bool) -> None:
    shape = {"hidden_size": 2304, "intermediate_size": 9216, "head_dim": 256}
    if tiny:
        shape = {"hidden_size": 32, "intermediate_size": 64, "head_dim": 8}
    config = Gemma2Config(**shape, num_hidden_layers=26, vocab_size=1000 if tiny else 256_000)
    tokenizer = AutoTokenizer.from_pretrained(str(resources.files("splare_os") / "mini"))
    if tiny:
        config.vocab_size = len(tokenizer)
    config.pad_token_id = tokenizer.pad_token_id
    noise = torch.randn(2**20, generator=torch.Generator().manual_seed(0))
    with torch.device("meta"):
        shapes = {name: weight.shape for name, weight in Gemma2Model(config).state_dict().items()}
    folder.mkdir(parents=True)
    weights = {}
    for number, (name, size) in enumerate(shapes.items()):
        values = noise.roll(number * 1009).mul(0.02).bfloat16()
        repeats = -(-size.numel() // len(values))
        weights[name] = values.repeat(repeats)[: size.numel()].view(size).clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config.architectures, config.dtype = ["Gemma2Model"], torch.bfloat16
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _random_sae(d_in: int, n_latents: int) -> SaeEncoder:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(n_latents, d_in, generator=generator) / d_in**0.5
    return SaeEncoder.from_tensors(weight, torch.zeros(n_latents), torch.zeros(n_latents))


@torch.inference_mode()
def _set_threshold(encoder: SplareEncoder) -> None:
    """Set one threshold that `ACTIVE` latents of a token pass on average."""
    inputs = encoder.tokenizer("the heart is an organ that pumps blood " * 4, return_tensors="pt")
    states = encoder.backbone({key: inputs[key] for key in ("input_ids", "attention_mask")})
    sae = encoder.pooling.sae
    pre = sae.pre_activations(states["token_embeddings"][0, 1:-1].float()).flatten()
    share = min(0.5, ACTIVE / len(sae.bias))
    sae.threshold.fill_(float(pre.topk(int(share * len(pre))).values[-1]))


def _save_sae(sae: SaeEncoder, folder: Path) -> None:
    """Write an SAE as sae-lens does; its decoder, which nobody reads here, is the transpose."""
    n_latents, d_in = sae.weight.shape
    theirs = JumpReLUSAE(JumpReLUSAEConfig(d_in=d_in, d_sae=n_latents, dtype="float32"))
    theirs.W_enc.data = sae.weight.data.float().T.contiguous()
    theirs.W_dec.data = sae.weight.data.float().clone()
    theirs.b_enc.data = sae.bias.data.float().clone()
    theirs.threshold.data = sae.threshold.data.float().clamp_min(0)
    theirs.save_model(folder)


def full_config(files: Files) -> object:
    """Return the full model without weights, to count its operations."""
    config = AutoConfig.from_pretrained(files.full)
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # it reads one token of a text, and would be counted for each
    return model
