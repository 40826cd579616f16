"""How well the labels of a run predict, summed up."""

from collections.abc import Iterable
from dataclasses import dataclass

from ...layout.labels import Label


@dataclass
class Scores:
    """Sums over `labels` labels, of which `measured` have a score and a baseline."""

    labels: int = 0
    measured: int = 0
    score: float = 0.0
    baseline: float = 0.0

    def add(self, labels: Iterable[Label]) -> None:
        """Count labels."""
        for label in labels:
            self.labels += 1
            if label.score is not None and label.baseline is not None:
                self.measured += 1
                self.score += label.score
                self.baseline += label.baseline

    def figures(self) -> dict[str, object]:
        """Return the number measured, and the mean score and baseline of these."""
        if not self.measured:
            return {"measured": 0, "score": None, "baseline": None}
        score, baseline = self.score / self.measured, self.baseline / self.measured
        return {
            "measured": self.measured,
            "score": round(score, 4),
            "baseline": round(baseline, 4),
        }

    def told(self) -> str:
        """Return the means for a line on a terminal; nothing if none is measured."""
        found = self.figures()
        return f"score {found['score']}, baseline {found['baseline']}" if self.measured else ""
