"""Labels for what commands show, where there are any."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..errors import LabelError, ModelMismatchError

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

    from ..encoder import Encoder
    from ..search import Hit
    from ..search.labels.labels import Labels


def found_labels(
    client: "OpenSearch", encoder: "Encoder", index: str = "splare-labels"
) -> "Labels | None":
    """Return the labels of the model; None if there are none.

    Where other models have some, or where they may not be read, that is told.
    """
    from opensearchpy.exceptions import AuthorizationException

    from ..search.labels.labels import Labels

    try:
        return Labels.of(client, encoder, index)
    except LabelError:
        return None
    except (ModelMismatchError, AuthorizationException) as error:
        click.echo(f"latents are shown without labels: {error}", err=True)
        return None


def with_labels(client: "OpenSearch", encoder: "Encoder", hits: "Sequence[Hit]") -> "list[Hit]":
    """Return hits, their matches with labels if the model has any."""
    from ..search.labels.labels import labelled

    labels = found_labels(client, encoder) if any(hit.matches for hit in hits) else None
    return list(hits) if labels is None else labelled(hits, labels)
