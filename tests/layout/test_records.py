import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from opensearchpy import NotFoundError

from splare_os.documents import Fields
from splare_os.errors import MappingError, ModelMismatchError, ReplyError
from splare_os.layout import FieldRecord, find_impacts, read_records
from splare_os.layout.aliases import write_index
from splare_os.layout.records import check_record, parse_record, read_mappings, records_of
from splare_os.layout.view import View
from splare_os.scoring import Saturation
from tests.hashing import HashEncoder

RECORD = FieldRecord(
    "hash", "0123456789abcdef", 512, 400, ("title", "text"), Saturation(2.0, 0.4, 70.5)
)


def test_a_record_survives_the_mapping():
    assert parse_record(RECORD.to_meta(), "index 'i'") == RECORD


def test_a_record_of_another_version_is_refused():
    with pytest.raises(MappingError, match="index 'i': the record has the keys"):
        parse_record(RECORD.to_meta() | {"extra": 1}, "index 'i'")
    with pytest.raises(MappingError, match="layout 5, this version reads layouts 1 to 4"):
        parse_record(RECORD.to_meta() | {"layout": 5}, "index 'i'")


def test_a_record_of_the_first_layout_is_read_as_plain_impacts():
    later = {"saturation", "template", "mass"}
    first = {key: value for key, value in RECORD.to_meta().items() if key not in later}
    assert parse_record(first | {"layout": 1}, "i") == replace(RECORD, saturation=None, layout=1)


@pytest.mark.parametrize("value", ["512", 512.0, True, None])
@pytest.mark.parametrize("key", ["n_latents", "top_k"])
def test_a_count_that_is_no_whole_number_is_told(key, value):
    with pytest.raises(MappingError, match=f"index 'i': {key} is {value!r}, not a whole number"):
        parse_record(RECORD.to_meta() | {key: value}, "index 'i'")


def test_a_mass_is_read_and_another_thing_told():
    cut = replace(RECORD, mass=0.9)
    assert parse_record(cut.to_meta(), "i") == cut
    for value in ("0.9", 0, 1.5, True):
        with pytest.raises(MappingError, match=f"index 'i': mass is {value!r}, not a share"):
            parse_record(RECORD.to_meta() | {"mass": value}, "index 'i'")


@pytest.mark.parametrize(
    "saturation",
    [3, {"k2": 1.0}, {"k1": 1.0}, {"k1": 0.0, "b": 0.0, "mean_length": 1.0}],
)
def test_a_saturation_that_cannot_be_read_is_told(saturation):
    with pytest.raises(MappingError, match="saturation .* cannot be read"):
        parse_record(RECORD.to_meta() | {"saturation": saturation}, "index 'i'")


@pytest.mark.parametrize("mappings", [{}, {"_meta": {}}, {"_meta": {"splare": 3, "other": 1}}])
def test_an_index_of_others_has_no_records(mappings):
    assert records_of("i", mappings) == {}


def test_the_same_model_may_read_and_write():
    check_record(RECORD, "i", "text_splare", HashEncoder())


@pytest.mark.parametrize("other", [HashEncoder(fingerprint="f" * 16), HashEncoder(1024)])
def test_another_model_is_refused_with_both_names_and_the_remedy(other):
    other.name = "other"
    with pytest.raises(ModelMismatchError) as error:
        check_record(RECORD, "i", "text_splare", other)
    message = str(error.value)
    for part in ("'i'", "'text_splare'", "'hash'", RECORD.fingerprint, "'other'"):
        assert part in message
    assert f"fingerprint {other.fingerprint}, {other.n_latents} latents" in message
    assert (
        "Use 'hash' for this index, or give 'other' an index, or an impacts field, of its own"
        in message
    )


@pytest.mark.opensearch
def test_every_index_behind_an_alias_is_checked(client, index, encoder):
    meta = {"splare": {"text_splare": RECORD.to_meta()}}
    other = {"splare": {"text_splare": RECORD.to_meta() | {"fingerprint": "f" * 16}}}
    for name, body in (("a", meta), ("b", other), ("c", {})):
        aliases = {f"{index}-all": {}} if name < "c" else {}
        client.indices.create(
            index=f"{index}-{name}", body={"mappings": {"_meta": body}, "aliases": aliases}
        )
    assert read_records(client, f"{index}-*").keys() == {f"{index}-{name}" for name in "abc"}
    assert find_impacts(client, f"{index}-a", Fields(), encoder).records == {f"{index}-a": RECORD}
    with pytest.raises(ModelMismatchError, match=f"{index}-b"):
        find_impacts(client, f"{index}-all", Fields(), encoder)
    with pytest.raises(MappingError, match=f"{index}-c' has no impacts field 'text_splare'"):
        find_impacts(client, f"{index}-c", Fields(), encoder)


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("title", "'title' is searched as 'text': name that field"),
        ("text_splare", "'text_splare' is searched as 'text': name that field"),
        (
            "body",
            "name the field that is meant ('text'), or "
            "add it with `splare-os backfill --index {index} --text-field body`",
        ),
    ],
)
def test_a_field_without_impacts_is_told_which_to_name_or_how_it_gets_some(
    client, index, encoder, text, remedy
):
    meta = {"splare": {"text_splare": RECORD.to_meta()}}
    client.indices.create(index=index, body={"mappings": {"_meta": meta}})
    with pytest.raises(MappingError, match=re.escape(remedy.format(index=index)) + "$"):
        find_impacts(client, index, Fields(text, None), encoder)


@pytest.mark.opensearch
@pytest.mark.parametrize("suffix", ["", "*"])
def test_an_index_that_does_not_exist_is_said_so(client, index, suffix):
    with pytest.raises(MappingError, match="create it with `splare-os index"):
        read_records(client, index + suffix)


IGNORING = {"ignore_unavailable": "true"}


@pytest.fixture
def visible(client, index):
    """Five indices, of which a request may see some: the start of their names."""
    for name in ("open", "closed", "hidden", "gone"):
        settings = {"index.hidden": name == "hidden"}
        client.indices.create(index=f"{index}-{name}", body={"settings": settings})
    client.indices.close(index=f"{index}-closed")
    client.indices.delete(index=f"{index}-gone")
    yield f"{index}-"
    client.indices.delete(index=f"{index}-*", params={"expand_wildcards": "all"})


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("open", "gone"), IGNORING),
        (("open", "closed"), IGNORING),
        (("*",), {}),
        (("*",), {"expand_wildcards": "open,hidden"}),
        (("*",), {"expand_wildcards": "all"} | IGNORING),
        (("gone*",), {"allow_no_indices": "true"}),
        (("gone",), IGNORING),
        (("closed",), IGNORING),
    ],
)
def test_mappings_are_those_of_the_indices_that_a_search_would_read(
    client, visible, names, options
):
    asked = ",".join(visible + name for name in names)
    hits = {"size": 0, "aggs": {"names": {"terms": {"field": "_index"}}}}
    for name in ("open", "hidden"):
        client.index(index=visible + name, id="1", body={}, params={"refresh": "true"})
    found = client.search(index=asked, body=hits, params=options)
    buckets = found.get("aggregations", {"names": {"buckets": []}})["names"]["buckets"]
    assert read_mappings(client, asked, View(options)).keys() == {one["key"] for one in buckets}


def refusing(error: str) -> SimpleNamespace:
    def refuse(**_: object) -> None:
        raise NotFoundError(404, error, {})

    return SimpleNamespace(indices=SimpleNamespace(get_mapping=refuse, get_alias=refuse))


@pytest.mark.parametrize("read", [read_mappings, write_index])
def test_a_gateways_404_does_not_say_that_there_is_no_index(read):
    with pytest.raises(ReplyError, match="not for want of an index"):
        read(refusing("no such page"), "papers")


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("open", "gone"), {}),
        (("open", "gone*"), {"allow_no_indices": "false"}),
        (("closed",), {"allow_no_indices": "false"} | IGNORING),
    ],
)
def test_a_request_that_the_server_refuses_is_refused_too(client, visible, names, options):
    asked = ",".join(visible + name for name in names)
    with pytest.raises(NotFoundError):
        client.search(index=asked, params=options)
    with pytest.raises(MappingError, match="no index"):
        read_mappings(client, asked, View(options))


@pytest.mark.opensearch
def test_a_text_that_another_model_has_read_is_told_with_that_model(client, index):
    meta = {"splare": {"text_2_splare": RECORD.to_meta() | {"model": "multi"}}}
    client.indices.create(index=index, body={"mappings": {"_meta": meta}})
    with pytest.raises(MappingError) as caught:
        find_impacts(client, index, Fields(), HashEncoder(fingerprint="f" * 16))
    assert "it has text_2_splare; take the model multi (--model), or add it" in str(caught.value)
