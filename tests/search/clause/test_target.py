import pytest

from splare_os.search.clause.target import Target, parse_path


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/books/_search", Target("books", "_search", has_more=False)),
        ("/a%2Cb/_search?size=3", Target("a,b", "_search", has_more=False)),
        ("/_search", Target(None, "_search", has_more=False)),
        ("/_all/_count", Target(None, "_count", has_more=False)),
        ("/books/_explain/7", Target("books", "_explain", has_more=True)),
        ("/_search/scroll", Target(None, "_search", has_more=True)),
        ("/_msearch/template", Target(None, "_msearch", has_more=True)),
        ("/books/_doc/1", None),
        ("/books", None),
        ("/", None),
        ("/_bulk", None),
    ],
)
def test_paths_name_their_index_and_endpoint(path: str, target: Target | None) -> None:
    assert parse_path(path) == target
