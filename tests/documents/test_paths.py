import pytest

from splare_os.documents.paths import values_at


@pytest.mark.parametrize(
    ("body", "path", "found"),
    [
        ({"a": "x"}, "a", ["x"]),
        ({"a": None}, "a", []),
        ({}, "a", []),
        ({"a": ["x", None, ["y"]]}, "a", ["x", "y"]),
        ({"a": {"b": "x"}}, "a.b", ["x"]),
        ({"a.b": "x"}, "a.b", ["x"]),
        ({"a.b": {"c": "x"}, "a": {"b.c": "y"}}, "a.b.c", ["x", "y"]),
        ({"a": [{"b": "x"}, {"b": 5}]}, "a.b", ["x", 5]),
        ({"a": "x"}, "a.b", []),
        ({"a": {"b": "x"}}, "a", [{"b": "x"}]),
    ],
)
def test_a_path_leads_where_the_cluster_would_look(body, path, found):
    assert list(values_at(body, path)) == found


def test_arrays_may_stand_in_arrays_deeper_than_a_call_may_go():
    deep: object = "x"
    for _ in range(5000):
        deep = [deep]
    assert list(values_at({"a": ["w", deep, "y"]}, "a")) == ["w", "x", "y"]
