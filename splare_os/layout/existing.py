"""Whether an index is there, as one may ask who reads or writes it and no more."""

from opensearchpy import NotFoundError, OpenSearch

from ..reply import named_parts, require_no_index


def index_exists(client: OpenSearch, index: str) -> bool:
    """Return whether there is such an index or alias.

    Asked for its mapping: a HEAD takes a right that nothing else of ours needs, its refusal has no
    words, and a gateway's 200 to it cannot be told from the cluster's.
    """
    try:
        named_parts(client.indices.get_mapping(index=index), "mappings")
    except NotFoundError as error:
        require_no_index(error)
        return False
    return True
