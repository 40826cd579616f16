from decimal import Decimal

import numpy as np
import pytest
from opensearchpy import JSONSerializer, Q
from opensearchpy.helpers.utils import AttrDict

from splare_os.search.request.body import plain

CLAUSE = {"splare": {"text": "oil"}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"query": CLAUSE}, {"query": CLAUSE}),
        ('{"query": {"match_all": {}}}', {"query": {"match_all": {}}}),
        (b'{"size": 3}', {"size": 3}),
        ({"query": {"bool": {"must": (CLAUSE,)}}}, {"query": {"bool": {"must": [CLAUSE]}}}),
        ({"query": AttrDict(CLAUSE)}, {"query": CLAUSE}),
        ({"query": Q("splare", text="oil")}, {"query": CLAUSE}),
        ({"query": {"bool": {"must": [Q("splare", text="oil")]}}, "size": np.int64(3)},
         {"query": {"bool": {"must": [CLAUSE]}}, "size": 3}),
        ({"min_score": np.float32(0.5), "x": Decimal("1.5")}, {"min_score": 0.5, "x": 1.5}),
        ({"aggs": None}, {"aggs": None}),
        ("no JSON", "no JSON"),
        ('{"size": 1, "size": 2}', '{"size": 1, "size": 2}'),  # servers refuse it
        (b"\xff", b"\xff"),
        ("", ""),
        (None, None),
        ([1], [1]),
    ],
)  # fmt: skip
def test_bodies_are_as_json_has_them(body, expected):
    assert plain(body, JSONSerializer()) == expected


def test_what_json_cannot_hold_is_left_to_the_client():
    body = {"query": object()}
    assert plain(body, JSONSerializer()) is body
    assert plain({"size": np.int64(3)}, object())["size"] == 3  # no serializer of JSON
