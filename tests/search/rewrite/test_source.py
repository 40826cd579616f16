from typing import Any

import pytest

from splare_os.search.rewrite.source import exclude_impacts, exclude_impacts_by_parameter

IMPACTS = "*_splare.impacts"


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (True, {"excludes": [IMPACTS]}),
        ("title", {"includes": ["title"], "excludes": [IMPACTS]}),
        (["a", "b*"], {"includes": ["a", "b*"], "excludes": [IMPACTS]}),
        ({"excludes": ["a"]}, {"excludes": ["a", IMPACTS]}),
        (
            {"includes": ["*"], "excludes": "a"},
            {"includes": ["*"], "excludes": ["a", IMPACTS]},
        ),
        (False, False),
        # a field of that name, not all; what a server refuses stays
        ("true", {"includes": ["true"], "excludes": [IMPACTS]}),
        ({"includes": True}, {"includes": True, "excludes": [IMPACTS]}),
        ({"exclude": "a", "include": "b"}, {"include": "b", "excludes": ["a", IMPACTS]}),
        ({"excludes": ["a"], "exclude": ["b"]}, {"excludes": ["b", IMPACTS]}),
        *((refused, refused) for refused in (None, 5, {"excludes": None})),
        (["text_splare.impacts"], ["text_splare.impacts"]),
        ({"includes": ["*_splare*"]}, {"includes": ["*_splare*"]}),
        ({"includes": ["a"], "unknown": ["b"]}, {"includes": ["a"], "unknown": ["b"]}),
    ],
)
def test_impacts_are_left_out_unless_named(asked: Any, sent: Any) -> None:
    assert exclude_impacts(asked) == sent


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"_source": "true"}, {"_source": "true", "_source_excludes": IMPACTS}),
        ({"_source": "false"}, {"_source": "false"}),
        ({"_source": False}, {"_source": False}),
        ({"_source": b"a,b"}, {"_source": b"a,b", "_source_excludes": IMPACTS}),
        ({"_source_includes": b"x_splare.*"}, {"_source_includes": b"x_splare.*"}),
        ({"_source_includes": "a"}, {"_source_includes": "a", "_source_excludes": IMPACTS}),
        ({"_source_excludes": "a,b"}, {"_source_excludes": f"a,b,{IMPACTS}"}),
        ({"_source_includes": "x,text_splare"}, {"_source_includes": "x,text_splare"}),
    ],
)
def test_parameters_override_the_body_and_are_treated_alike(
    asked: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert exclude_impacts_by_parameter(asked) == sent
