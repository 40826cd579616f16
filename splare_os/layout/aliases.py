"""What an alias stands for: the index that takes writes, and of which documents."""

from typing import Any

from opensearchpy import NotFoundError, OpenSearch, RequestError

from ..errors import MappingError
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


def write_index(client: OpenSearch, index: str) -> str:
    """Return the concrete index that takes what is written to `index`, a name or an alias."""
    try:
        found = client.indices.get_alias(index=index)
    except NotFoundError as error:
        require_no_index(error)
        raise _nothing_to_write_to(client, index) from error
    aliases = named_parts(found, "aliases")
    for name, ours in aliases.items():
        if name == index or ours.get(index, {}).get("is_write_index", len(aliases) == 1):
            return name
    raise MappingError(
        f"alias {index!r} stands for {', '.join(sorted(aliases))} and none of them is its write "
        "index: set is_write_index on one, or name one"
    )


def _nothing_to_write_to(client: OpenSearch, index: str) -> MappingError:
    """Return the error of a name that is no index or alias: a data stream's says what to do."""
    try:
        client.indices.get_data_stream(name=index)
    except (NotFoundError, RequestError):
        return MappingError(f"no index or alias {index!r}")
    return MappingError(
        f"{index!r} is a data stream, whose documents cannot be replaced: index into an index, or "
        f"write to the stream as ever, and then `splare-os backfill --index {index}`"
    )
