"""Files of documents to a model folder: states, an SAE over them, and the two saved."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ...documents.document import Document
from ...encode import Backbone, SplareEncoder, load_backbone
from ...encode.backbone.backbone import read_config
from ..prior import drawn
from ..texts import Reject, draw_texts
from ..work_folder import CLAIM, claim, clear, locked
from .checkpoints import Checkpoints
from .model import save_model
from .options import SaeJob
from .progress import Watch, unwatched
from .sae import SaeFigures, measure
from .states import token_states
from .states_store import States, whole_states
from .training import train_sae

STATES, TRAINING, TEXTS = "states", "training", "texts.json"
OURS = (*CLAIM, STATES, TRAINING, TEXTS)
"""What a work folder holds."""


@dataclass(frozen=True, slots=True)
class SaeReport:
    """What a job made, from what, and the SAE's figures on texts it was not trained on."""

    model: str
    fingerprint: str
    sae: str
    backbone: str
    layer: int
    explained_variance: float
    mean_l0: float
    dead_latents: int
    n_held_out: int
    n_states: int
    n_texts: int
    n_bad_lines: int
    relu: bool
    levelled: bool
    options: dict[str, object]


def train_sae_model(
    sources: Sequence[str],
    job: SaeJob,
    *,
    watch: Watch = unwatched,
    reject: Reject = lambda _: None,
) -> SaeReport:
    """Make the model folder of `job` from the documents of `sources`, and return what it is.

    Called again after a stop, with the same arguments, it goes on where it was.
    """
    _check_place(job)
    _check_layer(job)
    work, first = job.work_folder, job.states.held_out
    with locked(work, OURS):
        claim(work, _begun_with(sources, job))
        claim(work / TRAINING, _sae_options(job) | {"device": ""})  # it may go on elsewhere
        with _cleared_unless_begun(work):
            backbone = _backbone(job)
            states = _states(sources, job, backbone, watch, reject)
        checkpoints = Checkpoints(work / TRAINING, every_steps=job.checkpoint_steps)
        sae = train_sae(states.part(first), job.sae, checkpoints=checkpoints, watch=watch)
        figures = measure(sae, states.part(0, first))
        texts = json.loads((work / TEXTS).read_text(encoding="utf-8"))["drawn"]
        encoder = save_model(backbone, sae, job, texts)
        report = _report(job, encoder, figures, len(states) - first)
        if not job.keep_work:
            clear(work, OURS)
    return report


def _backbone(job: SaeJob) -> Backbone:
    n_blocks, window = job.layer + 1, job.states.window
    backbone = load_backbone(job.backbone, n_blocks=n_blocks, window=window, dtype=None)
    if job.embedding_bits:
        backbone.round_embedding(job.embedding_bits)
    return backbone


def _states(
    sources: Sequence[str], job: SaeJob, backbone: Backbone, watch: Watch, reject: Reject
) -> States:
    """Return held-out states, then those to train on; taken only if they are not there."""
    if found := whole_states(job.work_folder / STATES):
        return found
    bad: Counter[str] = Counter()

    def count(document: Document) -> None:
        bad[document.source] += 1
        reject(document)

    texts = draw_texts(
        sources, job.fields, max_chars=job.max_chars, seed=job.states.seed, reject=count
    )
    read = {"n_texts": len(texts), "n_bad": bad.total(), "drawn": drawn(texts)}
    (job.work_folder / TEXTS).write_text(json.dumps(read), encoding="utf-8")
    backbone.to(job.sae.device)
    taken = token_states(texts, backbone, job.states, folder=job.work_folder / STATES, watch=watch)
    if len(taken) - job.states.held_out < job.sae.batch_tokens:
        shutil.rmtree(job.work_folder / STATES)
        raise ValueError(
            f"{len(texts)} texts give {len(taken)} states, {job.states.held_out} of them held out: "
            f"too few for a batch of {job.sae.batch_tokens}; give more texts, or a smaller batch"
        )
    return taken


@contextmanager
def _cleared_unless_begun(work: Path) -> Iterator[None]:
    """Leave no folder behind that holds options alone, and would refuse others."""
    try:
        yield
    finally:
        if not any((work / STATES).glob("*")):
            clear(work, OURS)


def _begun_with(sources: Sequence[str], job: SaeJob) -> dict[str, object]:
    """Return all that the states depend on."""
    sizes = {
        source: Path(source).stat().st_size if Path(source).is_file() else None
        for source in sources
    }
    return {
        "files": sizes,
        "backbone": job.backbone,
        "layer": job.layer,
        "embedding_bits": job.embedding_bits,
        "max_chars": job.max_chars,
        **asdict(job.fields),
        **asdict(job.states),
    }


def _sae_options(job: SaeJob) -> dict[str, object]:
    """Return the SAE's options, `autocast` as it was decided: a run goes on only with that."""
    return asdict(job.sae) | {"autocast": job.sae.autocasts}


def _check_place(job: SaeJob) -> None:
    """Refuse to write over what others made."""
    if Path(job.out).exists():
        raise ValueError(f"{job.out} exists: give a new folder (--out)")
    if job.sae_folder.exists() and not job.work_folder.exists():
        raise ValueError(f"{job.sae_folder} exists, where the SAE is to go: move it")


def _check_layer(job: SaeJob) -> None:
    depth = read_config(job.backbone).get_text_config().num_hidden_layers
    if not 0 <= job.layer < depth:
        raise ValueError(f"layer={job.layer}: {job.backbone} has layers 0 to {depth - 1}")


def _report(job: SaeJob, encoder: SplareEncoder, figures: SaeFigures, n_states: int) -> SaeReport:
    options = _sae_options(job) | asdict(job.rule)
    options |= {"window": job.states.window, "max_chars": job.max_chars}
    read = json.loads((job.work_folder / TEXTS).read_text(encoding="utf-8"))
    return SaeReport(
        model=str(job.out),
        fingerprint=encoder.fingerprint,
        sae=str(job.sae_folder),
        backbone=job.backbone,
        layer=job.layer,
        explained_variance=round(figures.explained_variance, 4),
        mean_l0=round(figures.mean_l0, 2),
        dead_latents=figures.dead,
        n_held_out=job.states.held_out,
        n_states=n_states,
        n_texts=read["n_texts"],
        n_bad_lines=read["n_bad"],
        relu=job.is_relu,
        levelled=job.is_levelled,
        options=options,
    )
