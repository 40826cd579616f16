import pytest
from opensearchpy import OpenSearch

from splare_os.errors import MappingError
from splare_os.layout.aliases import alias_filters, write_index

pytestmark = pytest.mark.opensearch


def test_the_filters_of_an_alias_are_told_by_index(client: OpenSearch, index: str) -> None:
    one = {"term": {"tenant": "a"}}
    aliases = {f"{index}-1": {"filter": one}, f"{index}-2": {}}
    for name, alias in aliases.items():
        client.indices.create(index=name, body={"aliases": {f"{index}-all": alias}})
    assert alias_filters(client, f"{index}-all") == {f"{index}-1": {"term": {"tenant": "a"}}}
    assert alias_filters(client, f"{index}-1") == {}
    assert alias_filters(client, f"{index}-none") == {}


def test_an_alias_of_two_needs_a_write_index(client: OpenSearch, index: str) -> None:
    for name in "12":
        client.indices.create(index=f"{index}-{name}", body={"aliases": {f"{index}-all": {}}})
    with pytest.raises(MappingError, match="set is_write_index on one"):
        write_index(client, f"{index}-all")


def test_an_alias_whose_one_index_takes_no_writes_has_none(client: OpenSearch, index: str) -> None:
    alias = {f"{index}-all": {"is_write_index": False}}
    client.indices.create(index=f"{index}-1", body={"aliases": alias})
    with pytest.raises(MappingError, match="set is_write_index on one"):
        write_index(client, f"{index}-all")
    assert write_index(client, f"{index}-1") == f"{index}-1"


def test_a_name_of_nothing_is_no_write_index(client: OpenSearch, index: str) -> None:
    with pytest.raises(MappingError, match="no index or alias"):
        write_index(client, index)
