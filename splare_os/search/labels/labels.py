"""Labels of latents, looked up: what explanations and contrasts show beside a latent's number."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Self

from opensearchpy import OpenSearch

from ...encoder import Encoder
from ...errors import LabelError, ModelMismatchError
from ...layout.labels import INDEX, Label, kept_labels, labelled_models, parse_label
from ...reply import part, rows
from ..hits.hits import Hit


class Labels:
    """The labels of one model's latents, each read from the cluster once."""

    def __init__(self, client: OpenSearch, encoder: Encoder, index: str = INDEX) -> None:
        self._client, self._encoder, self._index = client, encoder, index
        self._known: dict[int, Label | None] = {}

    @classmethod
    def of(cls, client: OpenSearch, encoder: Encoder, index: str = INDEX) -> Self:
        """Return the labels of `encoder`'s model.

        `LabelError` where nothing has labels, `ModelMismatchError` where only latents of other
        models have: their numbers mean other things.
        """
        models = labelled_models(client, index)
        if not models:
            raise LabelError(f"no labels in {index!r}: make them with `splare-os label`")
        if encoder.fingerprint not in models:
            there = ", ".join(f"{name!r} ({mark})" for mark, name in sorted(models.items()))
            raise ModelMismatchError(
                f"index {index!r} has labels of {there}, none of {encoder.name!r} "
                f"({encoder.fingerprint}), whose latents mean other things: make them with "
                "`splare-os label`"
            )
        return cls(client, encoder, index)

    def look_up(self, latents: Iterable[int]) -> dict[int, Label]:
        """Return the labels of latents; one that has none has no key.

        `ValueError` for a number that is no latent of the model.
        """
        wanted = list(dict.fromkeys(latents))
        for latent in wanted:
            if not 0 <= latent < self._encoder.n_latents:
                raise ValueError(
                    f"latent {latent}: {self._encoder.name!r} has latents 0 to "
                    f"{self._encoder.n_latents - 1}"
                )
        new = [latent for latent in wanted if latent not in self._known]
        found = kept_labels(self._client, self._encoder, new, self._index)
        self._known |= {latent: found.get(latent) for latent in new}
        pairs = ((latent, self._known[latent]) for latent in wanted)
        return {latent: label for latent, label in pairs if label is not None}

    def find(self, text: str, *, size: int = 10) -> list[Label]:
        """Return labels that share words with `text`, best first: latents about something."""
        fields = ["label^2", "words", "trigger_words"]
        own = {"term": {"fingerprint": self._encoder.fingerprint}}
        query = {"multi_match": {"query": text, "fields": fields, "type": "most_fields"}}
        body = {"size": size, "query": {"bool": {"must": query, "filter": own}}}
        hits = rows(self._client.search(index=self._index, body=body), "hits", "hits")
        return [parse_label(part(hit, "_source")) for hit in hits]


def labelled(hits: Sequence[Hit], labels: Labels) -> list[Hit]:
    """Return hits, each match with the label of its latent."""
    found = labels.look_up(match.latent for hit in hits for match in hit.matches)
    texts = {latent: label.label for latent, label in found.items()}
    return [
        replace(
            hit, matches=[replace(match, label=texts.get(match.latent)) for match in hit.matches]
        )
        for hit in hits
    ]
