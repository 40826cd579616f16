import json

import pytest

from splare_os.documents import Fields
from splare_os.errors import JobError
from splare_os.index.first_look import look_first


def looked(write, lines, fields=None, *, name="docs.jsonl", is_new=True) -> str:
    path = write(lines, name)
    look_first([path], fields or Fields(), is_new=is_new)
    return path


def test_documents_that_all_lack_the_key_of_the_id_end_the_job_before_it_begins(write):
    documents = [{"sku": n, "text": "oil", "price": 7} for n in range(16)]
    with pytest.raises(JobError) as caught:
        looked(write, documents)
    assert str(caught.value).endswith(
        "docs.jsonl: none of the first 16 documents has an id in '_id'; name the key that holds it "
        "(--id-field), one of 'sku', 'text', 'price'"
    )
    looked(write, documents, Fields(id="sku"))
    looked(write, documents[:15])  # too few: each is dead for itself
    looked(write, [*documents, {"_id": "a", "text": "oil"}])
    looked(write, [*documents, {"_id": None, "text": "oil"}])


def test_no_index_is_made_for_a_text_that_no_document_has(write):
    documents = [{"_id": n, "answer": "oil", "tags": []} for n in range(300)]
    with pytest.raises(JobError) as caught:
        looked(write, documents)
    assert str(caught.value).endswith(
        "docs.jsonl: none of the first 256 documents has a field 'title' or 'text'; name the "
        "text field (--text-field, --title-field), one of 'answer', 'tags'"
    )
    looked(write, documents, is_new=False)
    looked(write, documents, Fields("answer"))


@pytest.mark.parametrize(
    "documents",
    [
        [*[{"_id": 1}] * 20, {"_id": 2, "text": "oil"}],
        [*[{"_id": 1}] * 20, {"_id": 2, "text": ["oil"]}],
        [*[{"_id": 1}] * 20, {"_id": 2, "text": ""}],
        [*[{"_id": 1}] * 20, {"_id": 2, "text": 7}],  # dead, with the reason
        [{"_id": 1}] * 15,  # too few: each is empty for itself
        [],
    ],
)
def test_one_document_with_a_text_is_enough_and_none_is_no_fault(write, documents):
    looked(write, documents)


@pytest.mark.parametrize(
    ("indent", "content", "remedy"),
    [
        (2, [{"_id": 1, "text": "oil"}], "jq -c '.[]' FILE"),
        (None, [{"_id": 1, "text": "oil"}], "jq -c '.[]' FILE"),
        (2, {"_id": 1, "text": "oil"}, "jq -c . FILE"),
    ],
)
def test_json_that_is_no_json_lines_is_refused_whole(write, indent, content, remedy):
    with pytest.raises(JobError, match="docs.json: not JSON Lines") as caught:
        looked(write, [json.dumps(content, indent=indent).encode()], name="docs.json")
    assert remedy in str(caught.value)


def test_an_array_with_a_document_on_each_line_is_refused_whole(write):
    lines = [b"[", b'{"_id": 1, "text": "oil"},', b'{"_id": 2, "text": "war"}', b"]"]
    with pytest.raises(JobError, match="docs.json: not JSON Lines"):
        looked(write, lines, name="docs.json")


def test_that_most_of_the_documents_are_long_is_told_once(write, caplog):
    long, short = {"_id": 1, "text": "oil " * 5_001}, {"_id": 2, "text": "oil"}
    looked(write, [long, short] * 9)
    looked(write, [long, long, short] * 6, is_new=False)
    assert not caplog.records
    looked(write, [long, long, short] * 6)
    (record,) = caplog.records
    assert "12 of the first 18 documents have more than 20000 characters" in record.getMessage()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (Fields("body", "nmae"), "has a field 'nmae', so that impacts are made of 'body' alone"),
        (
            Fields("body", template="{brnd} {name} {nmae} {body}"),
            "'brnd' or 'nmae', so that impact",
        ),
        (Fields(title="name"), "has a field 'text', so that impacts are made of 'name' alone"),
        (Fields("body", "name"), None),
        (Fields("body"), None),  # a title is no must
        (Fields("body", None), None),
    ],
)
def test_a_field_that_was_named_and_that_no_document_has_is_told(write, caplog, fields, told):
    documents = [{"_id": n, "name": "Oil", "body": "crude"} for n in range(16)]
    looked(write, documents, fields)
    assert len(caplog.records) == (told is not None)
    assert told is None or told in caplog.text
    looked(write, documents[:15], fields)
    looked(write, documents, fields, is_new=False)
    assert len(caplog.records) == (told is not None)


@pytest.mark.parametrize("line", [b'{"_id": 1, "text"', b"{", b"[", b"[1, 2]"])
def test_a_single_line_that_is_no_document_is_a_dead_letter(line, write):
    looked(write, [line])


def test_lines_of_which_most_are_documents_are_dead_letters_where_they_are_not(write):
    looked(write, [b"[", b'{"_id": 1, "text": "oil"}', b'{"_id": 2, "text": "war"}'])


def test_keys_that_the_first_document_lacks_are_named_too(write):
    with pytest.raises(JobError, match=r"--text-field, --title-field\), one of 'n', 'body'$"):
        looked(write, [{"_id": 1, "n": 1}, {"_id": 2, "body": "oil"}] * 8)


def test_stdin_is_not_looked_at():
    look_first(["-"], Fields(), is_new=True)
