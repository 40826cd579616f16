import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from splare_os.documents.fields import Fields
from splare_os.errors import MappingError, ModelMismatchError
from splare_os.layout import (
    DocumentCut,
    FieldRecord,
    content_field,
    ensure_index,
    find_impacts,
    index_body,
    read_records,
    template,
)
from splare_os.layout.aliases import write_index
from splare_os.layout.mapping import check_target, properties
from splare_os.layout.records import LAYOUT
from splare_os.scoring import K1, Saturation
from tests.hashing import CutEncoder, HashEncoder

FILE = Path(__file__).parents[2] / "mappings" / "splare.json"
RECORD = FieldRecord("hash", "0123456789abcdef", 512, 400, ("title", "text"), Saturation(K1))


def test_the_template_is_that_very_file():
    assert template() == json.loads(FILE.read_bytes())


def test_an_index_is_made_from_the_template():
    inner = template()["template"]
    body = index_body(Fields(), RECORD)
    assert body["settings"] == inner["settings"]
    assert body["mappings"]["properties"] == inner["mappings"]["properties"]
    assert body["mappings"]["_meta"] == {"splare": {"text_splare": RECORD.to_meta()}}


def test_fields_are_called_as_the_documents_call_them():
    named = properties(Fields(text="body", title="headline"))
    assert named.keys() == {"body", "headline", "content", "body_splare"}
    assert named["body"]["copy_to"] == named["headline"]["copy_to"] == "content"
    assert properties(Fields(title=None)).keys() == {"text", "content", "text_splare"}


def test_a_text_called_content_has_its_copy_elsewhere():
    fields = Fields(text="content")
    assert content_field(fields) == "content_all"
    assert properties(fields)["content"]["copy_to"] == "content_all"
    assert "copy_to" not in properties(fields)["content_all"]


@pytest.mark.parametrize("index", ["", "a*", "a,b", "a b"])
def test_one_index_is_written_to(index):
    with pytest.raises(ValueError, match="name one index or alias"):
        check_target(index)


@pytest.mark.opensearch
class TestOnACluster:
    def test_an_index_is_created_once(self, client, index, encoder):
        assert ensure_index(client, index, encoder, Fields())
        assert not ensure_index(client, index, encoder, Fields())
        assert read_records(client, index) == {index: {"text_splare": RECORD}}

    def test_an_index_stores_impacts_for_the_scoring_that_it_was_made_for(
        self, client, index, encoder
    ):
        ensure_index(client, index, encoder, Fields(), scoring="dot")
        assert not ensure_index(client, index, encoder, Fields())
        assert read_records(client, index)[index]["text_splare"].saturation is None
        with pytest.raises(MappingError, match="scoring='calibrated': the index stores impacts"):
            ensure_index(client, index, encoder, Fields(), scoring="calibrated")

    def test_an_index_behind_an_alias_stores_what_its_others_store(self, client, index, encoder):
        ensure_index(client, f"{index}-1", encoder, Fields(), scoring="dot")
        client.indices.create(index=f"{index}-2")
        actions = [
            {"add": {"index": f"{index}-{n}", "alias": index, "is_write_index": n == 2}}
            for n in (1, 2)
        ]
        client.indices.update_aliases(body={"actions": actions})
        ensure_index(client, index, encoder, Fields())
        assert read_records(client, index)[f"{index}-2"]["text_splare"].saturation is None

    def test_a_field_of_the_first_layout_stays_plain_and_learns_its_length(
        self, client, index, encoder
    ):
        ensure_index(client, index, encoder, Fields(), scoring="dot")
        record = read_records(client, index)[index]["text_splare"].to_meta()
        later = {"saturation", "template", "mass"}
        first = {key: value for key, value in record.items() if key not in later}
        meta = {"splare": {"text_splare": first | {"layout": 1}}}
        client.indices.put_mapping(index=index, body={"_meta": meta})
        ensure_index(client, index, encoder, Fields())
        found = read_records(client, index)[index]["text_splare"]
        assert (found.saturation, found.layout) == (None, LAYOUT)

    def test_an_index_of_a_single_node_is_green(self, client, index, encoder):
        ensure_index(client, index, encoder, Fields())
        assert client.cluster.health(index=index, params={"wait_for_status": "green"})

    def test_another_model_is_refused(self, client, index, encoder):
        ensure_index(client, index, encoder, Fields())
        other = HashEncoder(fingerprint="f" * 16)
        with pytest.raises(
            ModelMismatchError,
            match="Another version of 'hash' made it: use that one, or give 'hash' an",
        ):
            ensure_index(client, index, other, Fields())

    def test_an_index_that_people_have_gets_the_field_and_nothing_else(
        self, client, index, encoder
    ):
        other = replace(RECORD, text_fields=("other",))
        mappings = {
            "dynamic": "strict",
            "_meta": {"owner": "ours", "splare": {"other_splare": other.to_meta()}},
            "properties": {"text": {"type": "text"}, "year": {"type": "short"}},
        }
        client.indices.create(index=index, body={"mappings": mappings})
        assert not ensure_index(client, index, encoder, Fields())
        found = client.indices.get_mapping(index=index)[index]["mappings"]
        assert found["properties"].keys() == {"text", "year", "text_splare"}
        assert found["properties"]["text"] == {"type": "text"}
        assert found["_meta"]["owner"] == "ours"
        assert found["_meta"]["splare"].keys() == {"other_splare", "text_splare"}

    def test_a_second_text_field_keeps_the_first_ones_record(self, client, index, encoder):
        ensure_index(client, index, encoder, Fields())
        ensure_index(client, index, HashEncoder(fingerprint="f" * 16), Fields(text="abstract"))
        assert find_impacts(client, index, Fields(), encoder)
        assert read_records(client, index)[index]["abstract_splare"].fingerprint == "f" * 16

    def test_a_record_that_another_write_takes_away_is_written_again(self, client, index, encoder):
        client.indices.create(index=index)
        put = client.indices.put_mapping
        lost = iter([{"_meta": {"owner": "theirs"}}] * 2)

        def put_and_lose(**asked):
            put(**asked)
            put(index=index, body=next(lost, {}))

        with patch.object(client.indices, "put_mapping", put_and_lose):
            ensure_index(client, index, encoder, Fields())
        assert find_impacts(client, index, Fields(), encoder)

    def test_another_cut_of_the_same_model_is_recorded(self, client, index, encoder):
        ensure_index(client, index, encoder, Fields())
        ensure_index(client, index, encoder, Fields(), cut=DocumentCut(100))
        assert read_records(client, index)[index]["text_splare"].cut == DocumentCut(100)
        ensure_index(client, index, encoder, Fields(), cut=DocumentCut(mass=0.9))
        assert read_records(client, index)[index]["text_splare"].cut == DocumentCut(100, 0.9)
        ensure_index(client, index, encoder, Fields(), cut=DocumentCut(mass=1))
        assert read_records(client, index)[index]["text_splare"].cut == DocumentCut(100)

    def test_a_record_keeps_its_cut_where_none_is_asked_for(self, client, index, encoder):
        ensure_index(client, index, encoder, Fields())
        ensure_index(client, index, CutEncoder(), Fields())
        assert read_records(client, index) == {index: {"text_splare": RECORD}}
        ensure_index(client, index, CutEncoder(), Fields(), cut=DocumentCut(1))
        ensure_index(client, index, CutEncoder(), Fields())
        assert read_records(client, index)[index]["text_splare"].top_k == 1

    @pytest.mark.parametrize("exists", [False, True])
    def test_a_field_of_its_own_keeps_what_the_encoder_gives(self, client, index, exists):
        if exists:
            client.indices.create(index=index)
        ensure_index(client, index, CutEncoder(), Fields())
        assert read_records(client, index)[index]["text_splare"].top_k == 2

    def test_no_index_is_made_for_more_than_the_encoder_gives(self, client, index):
        with pytest.raises(ValueError, match="top_k=3: the model 'hash' gives at most 2"):
            ensure_index(client, index, CutEncoder(), Fields(), cut=DocumentCut(3))
        assert not client.indices.exists(index=index)

    def test_an_index_with_as_many_fields_as_it_may_have_is_told_so(self, client, index, encoder):
        client.indices.create(index=index, body={"settings": {"mapping.total_fields.limit": 4}})
        with pytest.raises(MappingError, match="no room for it: .*Limit of.* raise index.map"):
            ensure_index(client, index, encoder, Fields())

    def test_a_field_of_another_shape_is_refused(self, client, index, encoder):
        properties = {"text_splare": {"type": "keyword"}}
        client.indices.create(index=index, body={"mappings": {"properties": properties}})
        with pytest.raises(MappingError, match="'text_splare' exists in another shape"):
            ensure_index(client, index, encoder, Fields())

    def test_impacts_of_nobody_knows_whom_are_refused(self, client, index, encoder):
        body = {"mappings": {"properties": properties(Fields())}}
        client.indices.create(index=index, body=body)
        ours = {"impacts": {"1": 1.0}, "latents": ["1"], "count": 1}
        client.index(index=index, id="1", body={"text_splare": ours}, refresh=True)
        with pytest.raises(MappingError, match="1 documents hold impacts .* no record"):
            ensure_index(client, index, encoder, Fields())

    def test_the_field_without_impacts_is_taken_over(self, client, index, encoder):
        body = {"mappings": {"properties": properties(Fields())}}
        client.indices.create(index=index, body=body)
        assert not ensure_index(client, index, encoder, Fields())
        assert find_impacts(client, index, Fields(), encoder).records == {index: RECORD}

    def test_an_index_that_cannot_be_created_says_why(self, client, index, encoder):
        with pytest.raises(MappingError, match="cannot be created.*lowercase"):
            ensure_index(client, index.upper(), encoder, Fields())

    def test_behind_an_alias_the_write_index_gets_the_field(self, client, index, encoder):
        for name, is_write in (("1", False), ("2", True)):
            alias = {f"{index}-all": {"is_write_index": is_write}}
            client.indices.create(index=f"{index}-{name}", body={"aliases": alias})
        assert write_index(client, f"{index}-all") == f"{index}-2"
        ensure_index(client, f"{index}-all", encoder, Fields())
        records = read_records(client, f"{index}-*")
        assert {name: len(found) for name, found in records.items()} == {
            f"{index}-1": 0,
            f"{index}-2": 1,
        }

    def test_an_index_that_has_left_its_alias_keeps_what_it_is(self, client, index, encoder):
        ensure_index(client, f"{index}-1", encoder, Fields(), scoring="dot")
        client.indices.create(index=f"{index}-2", body={"aliases": {f"{index}-all": {}}})
        before = client.indices.get_mapping(index=f"{index}-1")
        ensure_index(client, f"{index}-1", encoder, Fields(), among=f"{index}-all")
        assert client.indices.get_mapping(index=f"{index}-1") == before

    def test_behind_an_alias_a_second_model_is_refused(self, client, index, encoder):
        ensure_index(client, f"{index}-1", HashEncoder(fingerprint="f" * 16), Fields())
        alias = {f"{index}-all": {"is_write_index": True}}
        client.indices.create(index=f"{index}-2", body={"aliases": alias})
        client.indices.put_alias(index=f"{index}-1", name=f"{index}-all")
        with pytest.raises(ModelMismatchError, match=f"{index}-1"):
            ensure_index(client, f"{index}-all", encoder, Fields())
