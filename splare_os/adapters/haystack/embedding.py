"""A sparse embedding that remembers, within a process, which model made it of which text."""

from dataclasses import dataclass
from hashlib import sha256

from haystack.dataclasses import SparseEmbedding

from ...documents.fields import Fields
from ...encoder import Encoder
from ...errors import ModelMismatchError
from ...impacts import Impacts, empty, from_features, to_features
from ...layout.field import bad_impacts


@dataclass
class ModelEmbedding(SparseEmbedding):
    """Indices are latents, values impacts as the model gives them, heaviest first.

    `fingerprint` is the model's, `text` a digest of what was encoded. Serialised it is a plain
    `SparseEmbedding`, of which nobody knows the model.
    """

    fingerprint: str = ""
    text: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return indices and values: all that `SparseEmbedding.from_dict` takes."""
        return {"indices": self.indices, "values": self.values}


def fields_of(template: str | None, impacts: str | None = None) -> Fields:
    """Return what of a document is encoded: its content, or what `template` makes of its fields.

    `impacts` is the field for the impacts, if it has a name of its own.
    """
    return Fields("content", title=None, template=template, impacts=impacts)


def text_digest(text: str) -> str:
    """Return what tells one text from another."""
    return sha256(text.encode()).hexdigest()


def embedding_of(impacts: Impacts, row: int, encoder: Encoder, text: str) -> ModelEmbedding:
    """Return one row of impacts that `encoder` made of `text`."""
    features = to_features(impacts, row)
    latents, values = [int(name) for name in features], list(features.values())
    return ModelEmbedding(latents, values, encoder.fingerprint, text_digest(text))


def impacts_of(embedding: SparseEmbedding, encoder: Encoder, whose: str) -> Impacts:
    """Return impacts [1, latent] of an embedding; `whose` it is stands in messages.

    `ModelMismatchError` if another model made it, `ValueError` for what no impacts can be: latents
    that the model has not or that come twice, values that are not above zero.
    """
    made_by = getattr(embedding, "fingerprint", "")
    if made_by and made_by != encoder.fingerprint:
        raise ModelMismatchError(
            f"{whose}: its sparse embedding comes from a model with the fingerprint {made_by}, not "
            f"from {encoder.name!r} ({encoder.fingerprint}): give embedders and store the same"
        )
    latents = embedding.indices
    if len(set(latents)) != len(latents):
        raise ValueError(f"{whose}: its sparse embedding has an index twice")
    if latents and not 0 <= min(latents) <= max(latents) < encoder.n_latents:
        raise ValueError(
            f"{whose}: its sparse embedding has indices from {min(latents)} to {max(latents)}, and "
            f"{encoder.name!r} has {encoder.n_latents} latents: another model made it"
        )
    if not latents:
        return empty(1, encoder.n_latents)
    named = dict(zip(map(str, latents), map(float, embedding.values), strict=True))
    impacts = from_features([named], encoder.n_latents)
    if reason := bad_impacts(impacts).get(0):
        raise ValueError(f"{whose}: {reason}")
    return impacts
