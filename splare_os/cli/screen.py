"""What a training shows on stderr, and how it ends."""

import sys
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqdm import tqdm

    from ..documents.document import Document
    from ..train.adapt.trainer import AdaptProgress
    from ..train.distill.trainer import DistillProgress
    from ..train.sae import Progress

SHOWN = 20


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
        from ..train.sae import Progress

        held_out = [""]

        def draw(progress: "AdaptProgress") -> None:
            if progress.held_out_loss is not None:
                held_out[0] = f", held out {progress.held_out_loss:.3f}"
            note = f"loss {progress.loss:.3f}{held_out[0]}"
            self.draw(Progress("adapt", progress.step, total, "steps", note))

        return draw

    def draw_distillation(self, total: int) -> "Callable[[DistillProgress], None]":
        """Return what shows the steps of a distillation."""
        from ..train.sae import Progress

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
