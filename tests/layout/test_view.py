import pytest

from splare_os.layout.view import PLAIN, View


def test_options_are_spelled_as_in_an_address() -> None:
    params = {
        "ignore_unavailable": True,
        "allow_no_indices": b"false",
        "expand_wildcards": ["open", "hidden"],
        "size": 3,
    }
    assert PLAIN.with_options(params).options == {
        "ignore_unavailable": "true",
        "allow_no_indices": "false",
        "expand_wildcards": "open,hidden",
    }


def test_what_a_search_says_itself_overrides_what_its_request_says() -> None:
    request = View({"ignore_unavailable": "true", "expand_wildcards": "all"}, {"a": "b"})
    search = request.with_options({"ignore_unavailable": False, "expand_wildcards": None})
    options = {"ignore_unavailable": "false", "expand_wildcards": "all"}
    assert search == View(options, {"a": "b"})


def test_a_header_of_an_msearch_may_spell_them_otherwise() -> None:
    params = {"ignoreUnavailable": True, "expandWildcards": "all", "requestCache": True}
    assert PLAIN.with_options(params).options == {
        "ignore_unavailable": "true",
        "expand_wildcards": "all",
    }


@pytest.mark.parametrize(
    ("options", "may_be_empty"),
    [
        ({}, False),
        ({"ignore_unavailable": "true"}, True),
        ({"ignore_unavailable": "false"}, False),
        ({"allow_no_indices": "true"}, True),
        ({"allow_no_indices": "false"}, False),
        ({"allow_no_indices": "false", "ignore_unavailable": "true"}, False),
        ({"expand_wildcards": "all"}, False),
    ],
)
def test_only_a_request_that_says_so_may_have_no_index(
    options: dict[str, str],
    may_be_empty: bool,  # noqa: FBT001
) -> None:
    assert View(options).may_be_empty is may_be_empty
