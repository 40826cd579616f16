"""Whether impacts are there, as whole documents tell it; tests of compact indices are beside."""

from typing import Any, cast

import pytest
from opensearchpy import OpenSearch

from splare_os.documents.shards import Version
from splare_os.index.actions import Stored, Target
from splare_os.index.presence import find_lacking
from splare_os.layout import DocumentCut

NO_CLIENT = cast(OpenSearch, None)


@pytest.mark.parametrize(
    ("ours", "lacking"),
    [
        ({"count": 2, "impacts": {"7": 0.5, "9": 1.0}}, set()),
        ({"count": 2, "impacts": {}}, {"d0"}),
        ({"count": 2, "impacts": None}, {"d0"}),
        ({"count": 2}, {"d0"}),
        ({"count": 0}, set()),
        (None, set()),
        ("impacts", set()),
    ],
)
def test_a_count_without_impacts_tells(ours: Any, lacking: set[str]) -> None:
    held = {"d0": Stored({"text_splare": ours}, Version(1, 1))}
    target = Target("i", "text_splare", "fe", DocumentCut(400))
    assert find_lacking(NO_CLIENT, target, held) == lacking


def test_a_document_without_the_field_lacks_nothing() -> None:
    target = Target("i", "text_splare", "fe", DocumentCut(400))
    assert find_lacking(NO_CLIENT, target, {"d0": Stored({}, Version(1, 1))}) == set()
