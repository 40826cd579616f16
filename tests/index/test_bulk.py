import pytest

from splare_os.index.actions import Action
from splare_os.index.bulk import BulkOptions, chunks
from tests.index.scripted import actions


def test_chunks_are_cut_by_count():
    cut = chunks(actions(*"abcde"), BulkOptions(max_actions=2))
    assert ["".join(action.id for action in chunk) for chunk in cut] == ["ab", "cd", "e"]


def test_chunks_are_cut_by_bytes_and_a_large_document_goes_alone():
    sizes = zip("abcd", (4, 6, 50, 1), strict=True)
    sized = [Action("i", name, b"x" * size) for name, size in sizes]
    head = len(sized[0].lines) - 4
    cut = chunks(sized, BulkOptions(max_bytes=2 * head + 10))
    assert ["".join(action.id for action in chunk) for chunk in cut] == ["ab", "c", "d"]


def test_bounds_have_to_be_positive():
    with pytest.raises(ValueError, match="max_actions=0"):
        BulkOptions(max_actions=0)


def test_a_pipeline_is_named_in_the_request():
    assert BulkOptions(pipeline="p").params() == {"request_timeout": 60.0, "pipeline": "p"}
    assert BulkOptions().params() == {"request_timeout": 60.0}
