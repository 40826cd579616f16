import pytest

from splare_os.errors import MappingError
from splare_os.layout.compact import check_whole, compact_source, is_compact


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (None, False),
        ({}, False),
        (compact_source("text_splare"), True),
        ({"excludes": ["other_splare.impacts"]}, False),
        ({"excludes": ["text_splare"]}, True),
        ({"excludes": ["text_*"]}, True),
        ({"excludes": ["*.impacts"]}, True),
        ({"excludes": ["impacts"]}, False),
        ({"includes": ["text"]}, True),
        ({"includes": ["*"]}, False),
        ({"includes": ["text_splare.*"]}, False),
        ({"enabled": False}, True),
        ({"enabled": True}, False),
    ],
)
def test_what_source_says_of_impacts(source, expected):
    assert is_compact({"_source": source} if source is not None else {}, "text_splare") is expected


@pytest.mark.parametrize(
    "source",
    [
        {"enabled": False},
        {"includes": ["text"]},
        {"excludes": ["price"]},
        {"excludes": ["other_splare.impacts", "text_splare.impacts"]},
    ],
)
def test_an_index_that_keeps_less_than_whole_documents_is_refused(source):
    with pytest.raises(MappingError, match="'i' keeps documents in part only"):
        check_whole("i", {"_source": source}, "text_splare")


def test_impacts_of_the_field_itself_may_be_left_out():
    check_whole("i", {"_source": compact_source("text_splare")}, "text_splare")
    check_whole("i", {}, "text_splare")
