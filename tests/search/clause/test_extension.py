from typing import Any

import pytest

from splare_os.search.clause.extension import Extension, read_extension
from splare_os.search.query.steps import Steps


@pytest.mark.parametrize(
    ("ours", "read"),
    [
        ({"explain": True}, Extension(explains=True)),
        ({"explain": False}, Extension()),
        ({"two_step": True}, Extension(steps=Steps())),
        ({"two_step": False, "explain": True}, Extension(explains=True)),
        ({"two_step": {}}, Extension(steps=Steps(500, 0.25))),
        ({"two_step": {"window": 50, "part": 1}}, Extension(steps=Steps(50, 1))),
    ],
)
def test_what_is_asked_of_the_client_is_taken_out(ours: Any, read: Extension) -> None:
    assert read_extension({"splare": ours, "other": 1}) == (read, {"other": 1})


@pytest.mark.parametrize("ext", [None, {}, {"other": {"a": 1}}, "text"])
def test_other_extensions_are_the_servers(ext: Any) -> None:
    assert read_extension(ext) == (Extension(), ext)


@pytest.mark.parametrize(
    ("ours", "message"),
    [
        (True, "ext.splare is True: write"),
        ({}, "ext.splare is {}: write"),
        ({"explain": True, "more": 1}, "ext.splare is .*more"),
        ({"explain": "yes"}, "ext.splare.explain is 'yes': write true or false"),
        ({"two_step": 500}, "ext.splare.two_step is 500: write true, or"),
        ({"two_step": {"size": 5}}, "ext.splare.two_step is .*size.*: write true, or"),
        ({"two_step": {"window": 2.5}}, "both are numbers, window a whole one"),
        ({"two_step": {"part": True}}, "both are numbers, window a whole one"),
        ({"two_step": {"window": 0}}, "window=0: score 1 to 10000 hits anew"),
        ({"two_step": {"part": 2}}, "part=2: the share of postings"),
    ],
)
def test_what_there_is_not_is_refused(ours: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_extension({"splare": ours})
