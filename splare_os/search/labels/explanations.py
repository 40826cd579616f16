"""Labels from explanations that others wrote; of several, that which predicts best in an index."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from opensearchpy import OpenSearch

from ...documents.fields import Fields
from ...encoder import Encoder
from ...index.counting import count_statistics
from ...layout.labels import Label, ensure_labels, keep_labels
from ...layout.records import find_impacts
from ..hits.hits import only_text_field
from ..hits.reading import Reader
from .held_out import HeldOut, hold_out
from .labelling import BATCH, LabelOptions
from .neuronpedia import Export
from .vocabulary import Vocabulary


def label_by_explanations(
    client: OpenSearch, encoder: Encoder, export: Export, index: str | None, options: LabelOptions
) -> Iterator[list[Label]]:
    """Yield the labels of each batch of latents, once they are kept.

    With an index, explanations are tried on texts of it, and of several the one that predicts best
    is chosen; else, and of equal ones, the first by the name of its author. Which it is, and of how
    many, the label tells.
    """
    trial = _Trial(client, encoder, index, options) if index else None
    ensure_labels(client, options.label_index)
    latents = [latent for latent in export.explanations if latent in (options.latents or (latent,))]
    for first in range(0, len(latents), BATCH):
        some = latents[first : first + BATCH]
        labels = [label for latent in some for label in _candidates(export, latent)]
        chosen = _best(trial.scored(labels) if trial else labels)
        keep_labels(client, encoder, chosen, options.label_index)
        yield chosen
    client.indices.refresh(index=options.label_index)


class _Trial:
    """Texts of an index, and how many of its documents show each latent."""

    def __init__(
        self, client: OpenSearch, encoder: Encoder, index: str, options: LabelOptions
    ) -> None:
        field = options.text_field or only_text_field(client, index)
        there = find_impacts(client, index, Fields(field, None), encoder)
        counted = count_statistics(client, index, there.name, encoder.n_latents)
        vocabulary = Vocabulary(client, next(iter(there.records)), field)
        reader = Reader(client, encoder, index, there)
        self.counts = counted.document_frequency
        self.texts: HeldOut = hold_out(reader, vocabulary, round(counted.documents))

    def scored(self, labels: Sequence[Label]) -> list[Label]:
        """Return labels with scores and document frequencies."""
        return [
            replace(label, document_frequency=int(self.counts[label.latent]))
            for label in self.texts.scored(labels)
        ]


def _candidates(export: Export, latent: int) -> list[Label]:
    found = export.explanations[latent]
    return [
        Label(latent, one.text, export.source, explainer=one.author, explanations=len(found))
        for one in found
    ]


def _best(labels: Sequence[Label]) -> list[Label]:
    """Return of each latent's labels the one with the highest score, the first of equal ones."""
    best: dict[int, Label] = {}
    for label in labels:
        known = best.get(label.latent)
        if known is None or (label.score or 0) > (known.score or 0):
            best[label.latent] = label
    return list(best.values())
