import pytest
from opensearchpy import OpenSearch

from splare_os.layout.aliases import alias_filters

pytestmark = pytest.mark.opensearch


def test_the_filters_of_an_alias_are_told_by_index(client: OpenSearch, index: str) -> None:
    one = {"term": {"tenant": "a"}}
    aliases = {f"{index}-1": {"filter": one}, f"{index}-2": {}}
    for name, alias in aliases.items():
        client.indices.create(index=name, body={"aliases": {f"{index}-all": alias}})
    assert alias_filters(client, f"{index}-all") == {f"{index}-1": {"term": {"tenant": "a"}}}
    assert alias_filters(client, f"{index}-1") == {}
    assert alias_filters(client, f"{index}-none") == {}
