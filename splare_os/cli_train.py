"""`splare-os train …`: the commands that make models."""

import json
import sys
from contextlib import closing
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from .cli_options import quieten_transformers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqdm import tqdm

    from .index.sources import Document
    from .train.adapt.trainer import AdaptProgress
    from .train.distill.trainer import DistillProgress
    from .train.sae import Progress

SHOWN = 20


@click.group()
def train() -> None:
    """Make models of your own."""


@train.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--backbone", required=True, help="Model folder or hub id of a language model.")
@click.option("--layer", type=int, required=True, help="Layer whose states are read, from 0.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--name", default="", help="Name of the model; that of --out if absent.")
@click.option(
    "--activation",
    type=click.Choice(["batchtopk", "topk", "jumprelu"]),
    default="batchtopk",
    show_default=True,
)
@click.option("--width", default=8192, show_default=True, help="Number of latents.")
@click.option("--k", default=16, show_default=True, help="Active latents a token; a mean but topk.")
@click.option("--l0-coefficient", default=1.0, show_default=True, help="Pull to --k (jumprelu).")
@click.option("--tokens", "n_tokens", default=2_500_000, show_default=True, help="States seen.")
@click.option("--states", "n_states", default=2_000_000, show_default=True, help="Distinct states.")
@click.option("--held-out", default=20_000, show_default=True, help="States only measured on.")
@click.option("--window", default=256, show_default=True, help="Tokens read at once.")
@click.option("--batch", "batch_tokens", default=1024, show_default=True, help="States a step.")
@click.option("--lr", default=1e-3, show_default=True, help="Learning rate.")
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--max-chars", default=100_000_000, show_default=True, help="Characters drawn of each file."
)
@click.option("--text-field", default="text", show_default=True)
@click.option("--title-field", default="title", show_default=True, help="Empty: there is none.")
@click.option("--level/--no-level", default=None, help="Scale latents to equal peaks (not topk).")
@click.option("--autocast/--no-autocast", default=None, help="Multiply in bfloat16; if fast.")
@click.option("--device", help="cpu, cuda, cuda:1 …; the best there is if absent.")
@click.option("--save-dtype", help="float32, bfloat16 or float16; the backbone's if absent.")
@click.option("--work", type=click.Path(path_type=Path), help="Work folder.  [default: OUT.work]")
@click.option("--keep-work", is_flag=True, help="Leave states and checkpoints there at the end.")
@click.option("--checkpoint-steps", default=500, show_default=True, help="Steps between two.")
def sae(files: tuple[str, ...], **chosen: Any) -> None:  # noqa: ANN401  # one for each option
    """Train an SAE on FILES of JSON Lines, and make a model folder of it and its backbone.

    Run the same command again after an interruption, and it goes on where it stopped. Prints what
    was made and the SAE's figures on texts that it was not trained on.
    """
    from sentence_transformers.util import get_device_name

    from .train.sae import SaeJob, SaeOptions, StateOptions, train_sae_model

    chosen["device"] = chosen["device"] or get_device_name()
    options = SaeOptions(**part(chosen, SaeOptions))
    chosen["autocast"] = options.autocasts
    job = SaeJob(
        states=StateOptions(**part(chosen, StateOptions)),
        sae=options,
        fields=_fields(chosen),
        **part(chosen, SaeJob),
    )
    with closing(Screen()) as screen:
        report = train_sae_model(files, job, watch=screen.draw, reject=screen.reject)
    click.echo(json.dumps(asdict(report), ensure_ascii=False))
    end(report.n_bad_lines)  # also those that an earlier run told of


@train.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--backbone", required=True, help="Model folder or hub id of a language model.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--steps", default=2000, show_default=True, help="Steps at most.")
@click.option("--batch", "batch_tokens", default=4096, show_default=True, help="Tokens a step.")
@click.option("--window", default=256, show_default=True, help="Tokens read at once.")
@click.option("--lr", default=5e-4, show_default=True, help="Largest learning rate.")
@click.option("--masked", "masked_share", default=0.15, show_default=True, help="Share of tokens.")
@click.option("--mask-token", default="", help="The tokenizer's own, else _, if absent.")
@click.option("--lora", "lora_rank", type=int, help="0: all weights.  [default: 16 for decoders]")
@click.option("--evaluate-every", default=100, show_default=True, help="Steps between two.")
@click.option("--patience", default=3, show_default=True, help="Evaluations without gain.")
@click.option("--min-delta", default=0.01, show_default=True, help="Fall that is a gain, in nats.")
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--max-chars", default=100_000_000, show_default=True, help="Characters drawn of each file."
)
@click.option("--text-field", default="text", show_default=True)
@click.option("--title-field", default="title", show_default=True, help="Empty: there is none.")
@click.option("--autocast/--no-autocast", default=None, help="Multiply in bfloat16; if fast.")
@click.option("--device", help="cpu, cuda, cuda:1 …; the best there is if absent.")
def adapt(files: tuple[str, ...], **chosen: Any) -> None:  # noqa: ANN401  # one for each option
    """Train a language model to fill masks in the texts of FILES, until that levels off.

    Run the same command again after an interruption, and it goes on from its last evaluation.
    Prints the loss on texts that were held out, before, after and in between.
    """
    from sentence_transformers.util import get_device_name

    from .train.adapt import AdaptOptions, adapt, require_new
    from .train.texts import draw_texts

    quieten_transformers()
    require_new(chosen["out"])
    chosen["device"] = chosen["device"] or get_device_name()
    options = AdaptOptions(**part(chosen, AdaptOptions))
    limits = {"max_chars": chosen["max_chars"], "seed": options.seed}
    with closing(Screen()) as screen:
        texts = draw_texts(files, _fields(chosen), reject=screen.reject, **limits)
        watch = screen.draw_steps(options.steps)
        figures = adapt(texts, chosen["backbone"], chosen["out"], options, watch=watch)
    click.echo(json.dumps({"model": str(chosen["out"])} | asdict(figures)))
    end(screen.n_rejected)


class Screen:
    """What a training shows on stderr: a bar for each stage, and lines that are no documents."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._stage, self.n_rejected = "", 0

        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()

    def draw(self, progress: "Progress") -> None:
        """Show how far the stage is."""
        from tqdm import tqdm

        if self._bar is None or progress.stage != self._stage:
            self.close()
            self._stage, unit = progress.stage, f" {progress.unit}"
            self._bar = tqdm(desc=self._stage, total=progress.total, unit=unit, disable=None)
        self._bar.set_postfix_str(progress.note, refresh=False)
        self._bar.update(progress.done - self._bar.n)

    def draw_steps(self, total: int) -> "Callable[[AdaptProgress], None]":
        """Return what shows the steps of an adaptation, and the last held-out loss."""
        from .train.sae import Progress

        held_out = [""]

        def draw(progress: "AdaptProgress") -> None:
            if progress.held_out_loss is not None:
                held_out[0] = f", held out {progress.held_out_loss:.3f}"
            note = f"loss {progress.loss:.3f}{held_out[0]}"
            self.draw(Progress("adapt", progress.step, total, "steps", note))

        return draw

    def draw_distillation(self, total: int) -> "Callable[[DistillProgress], None]":
        """Return what shows the steps of a distillation."""
        from .train.sae import Progress

        def draw(progress: "DistillProgress") -> None:
            note = f"loss {progress.loss:.3f}"
            self.draw(Progress("distill", progress.step, total, "steps", note))

        return draw

    def reject(self, document: "Document") -> None:
        """Tell of a line that is no document; of the first ones, if there are many."""
        self.n_rejected += 1
        if self.n_rejected <= SHOWN:
            click.echo(f"{document.source}:{document.line}: {document.reason}", err=True)


def end(n_bad_lines: int) -> None:
    """Exit 1 if lines were no documents."""
    if n_bad_lines:
        click.echo(f"{n_bad_lines} lines are no documents, and were left out", err=True)
        sys.exit(1)


def part(chosen: dict[str, Any], options: type[Any]) -> dict[str, Any]:
    """Return those of the chosen values that `options`, a dataclass, has a field for."""
    names = {field.name for field in fields(options)}
    return {name: value for name, value in chosen.items() if name in names}


def _fields(chosen: dict[str, Any]) -> Any:  # noqa: ANN401  # text.Fields
    from .text import Fields

    return Fields(text=chosen["text_field"], title=chosen["title_field"] or None)
