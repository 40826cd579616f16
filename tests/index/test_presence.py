"""Whether impacts are there, as whole documents tell it; tests of compact indices are beside."""

from typing import Any, cast

import pytest
from opensearchpy import OpenSearch

from splare_os.documents.shards import Version
from splare_os.errors import ReplyError
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


@pytest.mark.parametrize("odd", [{"timed_out": True}, {"_shards": {"total": 2, "successful": 1}}])
def test_shards_that_do_not_answer_tell_nothing(odd: dict[str, Any]) -> None:
    class Part:
        def search(self, **_: object) -> dict[str, Any]:
            whole = {"timed_out": False, "_shards": {"total": 2, "successful": 2}}
            return {"hits": {"hits": []}} | whole | odd

    held = {"d0": Stored({"text_splare": {"count": 1, "latents": ["7"]}}, Version(1, 1))}
    target = Target("i", "text_splare", "fe", DocumentCut(400), is_compact=True)
    with pytest.raises(ReplyError, match="'i': not all of its shards answer"):
        find_lacking(cast(OpenSearch, Part()), target, held)


def test_a_document_without_the_field_lacks_nothing() -> None:
    target = Target("i", "text_splare", "fe", DocumentCut(400))
    assert find_lacking(NO_CLIENT, target, {"d0": Stored({}, Version(1, 1))}) == set()
