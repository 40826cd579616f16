"""`splare-os import-sae`: a model folder of a published SAE."""

import shutil
from pathlib import Path

import click

from .options import print_json


@click.command()
@click.argument("release")
@click.argument("sae_id", required=False)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--backbone", default="", help="Hub id or folder, for files that don't tell.")
@click.option(
    "--blocks", default=0, help="Blocks kept (layer l: l + 1), for files that don't tell."
)
@click.option("--window", default=512, show_default=True, help="Tokens read at once.")
@click.option("--relu", is_flag=True, help="Make thresholds part of the bias (not topk).")
def import_sae(
    release: str,
    sae_id: str | None,
    out: Path,
    backbone: str,
    blocks: int,
    window: int,
    *,
    relu: bool,
) -> None:
    """Make a model folder of a published SAE and its backbone, for --model.

    RELEASE and SAE_ID are names in the registry of sae-lens (docs/saes.md); RELEASE alone is a
    folder or file of Gemma Scope, Llama Scope or sae-lens.
    """
    from ..encode import SplareEncoder

    if out.exists():
        raise click.UsageError(f"{out} exists: give a new folder (--out)")
    from ..encode.quiet import quieten_transformers

    quieten_transformers()
    encoder = SplareEncoder.from_sae(
        release, sae_id, backbone=backbone, n_blocks=blocks, window=window
    )
    if relu:
        encoder.pooling.sae.make_relu()
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    encoder.save(part)
    part.rename(out)
    print_json(
        {"model": str(out), "fingerprint": encoder.fingerprint, "n_latents": encoder.n_latents}
    )
