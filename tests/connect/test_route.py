import pytest
from opensearchpy import OpenSearch

from splare_os import connect
from splare_os.connect.bodies import Names
from splare_os.connect.route import find_names, require_plain
from splare_os.documents import Fields
from splare_os.errors import ConnectError, MappingError
from splare_os.layout.mapping import ensure_index
from splare_os.layout.records import FieldRecord
from tests.hashing import HashEncoder

MADE = ("hash", "0123456789abcdef", 512, 400)


def test_a_title_and_a_text_at_the_top_can_be_read_by_the_pipeline() -> None:
    require_plain(FieldRecord(*MADE, ("title", "text")))


@pytest.mark.parametrize(
    ("fields", "template"), [(("paper.text",), None), (("name", "text"), "{name}: {text}")]
)
def test_other_texts_are_refused(fields: tuple[str, ...], template: str | None) -> None:
    with pytest.raises(ConnectError, match="Index by `splare-os index`"):
        require_plain(FieldRecord(*MADE, fields, None, template))


@pytest.mark.opensearch
def test_a_route_is_called_by_the_field_that_the_index_has(client: OpenSearch, index: str) -> None:
    other = Fields(impacts="other_splare")
    ensure_index(client, index, HashEncoder(), other)
    assert find_names(client, index, Fields()) == Names(index, "other_splare")
    ensure_index(client, index, HashEncoder(fingerprint="f" * 16), Fields())
    with pytest.raises(MappingError, match="several fields, other_splare, text_splare: name"):
        find_names(client, index, Fields())
    assert find_names(client, index, other) == Names(index, "other_splare")
    assert find_names(client, "no-such", Fields()) == Names("no-such", "text_splare")


@pytest.mark.opensearch
def test_an_index_that_is_not_there_is_made_by_connect(
    client: OpenSearch, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect.route, "require_plugins", lambda _: None)
    monkeypatch.setattr(connect.route, "load_encoder", lambda _: HashEncoder())
    told = rf"no index '{index}': `splare-os connect --index {index}`, .* makes it"
    with pytest.raises(ConnectError, match=told):
        connect.route.find_route(client, index, Fields(), "http://models", is_new=False)


@pytest.mark.opensearch
def test_of_several_indices_one_is_to_be_named(client: OpenSearch, index: str) -> None:
    for name in ("a", "b"):
        ensure_index(client, f"{index}-{name}", HashEncoder(), Fields())
    with pytest.raises(ConnectError, match=f"stands for {index}-a, {index}-b: connect them one"):
        find_names(client, f"{index}-*", Fields())
