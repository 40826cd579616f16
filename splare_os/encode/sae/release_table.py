"""Which of sae-lens' releases can be read, as the Markdown of `docs/saes.md`.

`python -m splare_os.encode.sae.release_table > docs/saes.md` writes that file.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version

from ...errors import EncoderError
from ..backbone.hub_ids import BACKBONES
from .published import ARCHITECTURES, PER_TOKEN, count_blocks
from .releases import Place, locate, registry

TEXT = """\
# Published SAEs

`SplareEncoder.from_sae(release, sae_id)` makes an encoder of a published SAE and its backbone.
It knows the {n_releases} releases ({n_saes} SAEs) in the registry of sae-lens {version}.
Those over a residual stream of {families}
can be read: {n_supported} releases with {n_supported_saes} SAEs. The other {n_refused} are refused,
and the second table says why.

- **SAEs**: how many of the release's SAEs can be read, of how many.
- **blocks**: how many blocks of the backbone are kept, by SAE: `hook_resid_post` of block L keeps
  L + 1, `hook_resid_pre` keeps L.
- **known from**: `registry` where model, hook and kind of SAE are certain before anything is
  fetched ({n_settled} releases); `ids` where the SAEs' ids or paths tell the hook, and the
  configuration that comes with the weights decides: an SAE is refused then if its architecture is
  none of {architectures} (a ReLU SAE is `standard`, a BatchTopK
  SAE `jumprelu`), or if it normalises its input token by token
  ({per_token}).

Normalisation by a constant, and the decoder bias taken off the input, are folded into the weights.
Of pickles only tensors are read. Backbones are fetched from the hub when an encoder is made; Llama
and Gemma ask for an account that has accepted their licences.

Local files need no registry: Gemma Scope's `params.npz` and `params.safetensors`, Llama Scope's
`checkpoints/final.safetensors` with `hyperparams.json`, and sae-lens folders with `cfg.json`.

This page is written by `python -m splare_os.encode.sae.release_table`.

## Can be read

| release | backbone | SAEs | blocks | known from |
|---|---|--:|--:|---|
{supported}

SAEs that are refused in these releases:

{exceptions}

## Refused

| release | model | SAEs | why |
|---|---|--:|---|
{refused}
"""


@dataclass(frozen=True)
class Row:
    """One release: its usable SAEs' places, and how many others are refused for which reason."""

    release: str
    model: str
    places: tuple[Place, ...]
    reasons: Counter[str]

    @property
    def n_saes(self) -> int:
        """Number of the release's SAEs."""
        return len(self.places) + self.reasons.total()

    @property
    def is_settled(self) -> bool:
        """Whether the registry alone decides on all SAEs."""
        return all(place.is_settled for place in self.places)


def judge(release: str) -> Row:
    """Return the row of a release, from the registry alone."""
    entry = registry()[release]
    places, reasons = [], Counter[str]()
    for sae_id in entry.saes_map:
        try:
            places.append(locate(release, sae_id))
        except EncoderError as error:
            reasons[str(error)] += 1
    return Row(release, entry.model, tuple(places), reasons)


def render() -> str:
    """Return `docs/saes.md` for the installed sae-lens."""
    rows = [judge(release) for release in sorted(registry())]
    supported = [row for row in rows if row.places]
    refused = [row for row in rows if not row.places]
    return TEXT.format(
        version=version("sae-lens"),
        n_releases=len(rows),
        n_saes=sum(row.n_saes for row in rows),
        n_supported=len(supported),
        n_supported_saes=sum(len(row.places) for row in supported),
        n_settled=sum(row.is_settled for row in supported),
        n_refused=len(refused),
        families=", ".join(BACKBONES),
        per_token=", ".join(f"`{name}`" for name in PER_TOKEN),
        architectures=", ".join(f"`{name}`" for name in ARCHITECTURES),
        supported="\n".join(_supported(row) for row in supported),
        exceptions="\n".join(f"- `{row.release}`: {_why(row)}" for row in supported if row.reasons),
        refused="\n".join(
            f"| `{row.release}` | {row.model} | {row.n_saes} | {_why(row)} |" for row in refused
        ),
    )


def _supported(row: Row) -> str:
    backbones = ", ".join(sorted({place.backbone for place in row.places}))
    counts = sorted(count_blocks(place.hook) for place in row.places)
    blocks = f"{counts[0]}–{counts[-1]}" if counts[0] < counts[-1] else f"{counts[0]}"
    known = "registry" if row.is_settled else "ids"
    n_saes = f"{len(row.places)} of {row.n_saes}" if row.reasons else f"{row.n_saes}"
    return f"| `{row.release}` | {backbones} | {n_saes} | {blocks} | {known} |"


def _why(row: Row) -> str:
    if len(row.reasons) == 1 and not row.places:
        return next(iter(row.reasons))
    return "; ".join(f"{count} SAEs: {reason}" for reason, count in row.reasons.most_common())


if __name__ == "__main__":
    sys.stdout.write(render())
