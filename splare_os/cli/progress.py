"""The progress bar of a run that writes to an index."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..index import BackfillRun, IngestRun


def draw(run: "IngestRun | BackfillRun", title: str) -> None:
    """Let a run go, and show on stderr how far it is."""
    from tqdm import tqdm

    with tqdm(desc=title, unit=" docs", disable=None) as bar:
        for n_done, _ in enumerate(run, start=1):
            bar.update(run.n_done_before + n_done - bar.n)
