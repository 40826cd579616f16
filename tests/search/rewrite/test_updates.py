import json

import pytest

from splare_os.search.rewrite.updates import updated


def bulk(*lines: object) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.mark.parametrize(
    ("url", "body", "expected"),
    [
        ("/books/_update/1", {"doc": {}}, ["books"]),
        ("/a%2Cb/_update_by_query?refresh=true", None, ["a,b"]),
        ("/books/_doc/1", {"update": 1}, []),
        ("/books/_search", {"query": {"term": {"_id": "update"}}}, []),
        ("/_reindex", {"source": {"index": ["a", "b"]}, "dest": {"index": "c"}}, ["a", "b"]),
        ("/_reindex", '{"source": {"index": "a"}}', ["a"]),
        ("/_reindex", {"source": {"index": "a", "remote": {"host": "h"}}}, []),
        ("/_reindex", b"{", []),
        ("/_bulk", bulk({"update": {"_index": "a", "_id": "1"}}, {"doc": {}}), ["a"]),
        ("/b/_bulk?x=1", bulk({"update": {"_id": "1"}}, {"doc": {}}).encode(), ["b"]),
        ("/_bulk", bulk({"index": {"_index": "a"}}, {"update": {"_index": "b"}}), []),
        ("/_bulk", bulk({"delete": {"_index": "a"}}, {"update": {"_index": "b"}}, {}), ["b"]),
        ("/_bulk", '\n{"update": {"_index": "a"}}\n\n{}\n', ["a"]),
        ("/_bulk", '{"update": 5}\n"update"\nnot JSON\n', []),
        ("/_bulk", [{"update": {"_index": "a"}}], []),
        ("/b/_bulk/stream", bulk({"update": {"_id": "1"}}, {"doc": {}}), ["b"]),
        ("/", None, []),
    ],
)
def test_indices_whose_documents_are_updated_by_part(url, body, expected):
    assert list(updated(url, body)) == expected
