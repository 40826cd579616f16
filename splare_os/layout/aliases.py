"""What an alias leaves out of the indices that it stands for."""

from typing import Any

from opensearchpy import NotFoundError, OpenSearch

from ..reply import named_parts, require_no_index


def alias_filters(client: OpenSearch, name: str) -> dict[str, dict[str, Any]]:
    """Return by index the query that a document has to match for the alias `name` to stand for it.

    Empty where it has none, and for what is no alias.
    """
    try:
        found = client.indices.get_alias(index=name)
    except NotFoundError as error:
        require_no_index(error)
        return {}
    ours = {index: of.get(name, {}) for index, of in named_parts(found, "aliases").items()}
    return {index: alias["filter"] for index, alias in ours.items() if "filter" in alias}
