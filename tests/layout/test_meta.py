from dataclasses import replace

import pytest

from splare_os.documents.fields import Fields
from splare_os.errors import ModelMismatchError
from splare_os.layout import FieldRecord, ensure_index, read_records
from splare_os.layout.meta import forget_record, merged_meta, restore_record

RECORD = FieldRecord("hash", "0123456789abcdef", 512, 400, ("title", "text"))


def test_foreign_keys_of_meta_are_kept():
    other = {"fingerprint": "f"}
    mappings = {"_meta": {"owner": "ours", "splare": {"body_splare": other}}}
    assert merged_meta(mappings, "text_splare", RECORD) == {
        "owner": "ours",
        "splare": {"body_splare": other, "text_splare": RECORD.to_meta()},
    }


@pytest.mark.opensearch
def test_a_record_is_written_again_where_there_is_none(client, index, encoder):
    ensure_index(client, index, encoder, Fields())
    restore_record(client, index, "text_splare", RECORD)
    assert read_records(client, index)[index]["text_splare"].saturation is not None
    for _ in range(2):  # one that is gone is no fault
        forget_record(client, index, "text_splare")
        assert read_records(client, index)[index] == {}
    restore_record(client, index, "text_splare", RECORD)
    assert read_records(client, index)[index] == {"text_splare": RECORD}


@pytest.mark.opensearch
def test_a_record_of_another_model_that_came_meanwhile_is_told(client, index, encoder):
    ensure_index(client, index, encoder, Fields())
    other = replace(RECORD, model="theirs", fingerprint="f" * 16)
    with pytest.raises(ModelMismatchError, match="come from the model 'hash'"):
        restore_record(client, index, "text_splare", other)
