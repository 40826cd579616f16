import json

import numpy as np
import orjson
import pytest
from scipy.sparse import csr_array

from splare_os.impacts import Impacts, from_features, prune
from splare_os.layout.field import SMALLEST, FieldImpacts, impacts_object
from splare_os.layout.field_json import empty_field_json, features_json, field_json
from splare_os.scoring import Saturation


def one_by_one(made: FieldImpacts, digests: list[str]) -> list[bytes]:
    return [
        orjson.dumps(
            impacts_object(made, row) | {"digest": digest}, option=orjson.OPT_SERIALIZE_NUMPY
        )
        for row, digest in enumerate(digests)
    ]


def some(n_texts: int, n_latents: int) -> Impacts:
    draw = np.random.default_rng(n_latents)
    shape = (n_texts, n_latents)
    dense = draw.gamma(2.0, 1.0, shape) * (draw.random(shape) < 0.3)
    dense[:, 0] = 1.0  # none is empty
    return csr_array(dense.astype(np.float32))


def test_a_field_is_written_as_it_is_read():
    made = FieldImpacts.of(from_features([{"3": 0.25, "10": 1.2345, "2": 0.25}], 16), None)
    assert field_json(made, ["ab"]) == [
        b'{"impacts":{"10":1.234375,"2":0.25,"3":0.25},"latents":["10","2","3"],"count":3,'
        b'"length":1.7345,"digest":"ab"}'
    ]


def test_a_text_without_impacts_has_a_count_of_zero_between_others_too():
    made = FieldImpacts.of(from_features([{"1": 2.0}, {}, {"0": 1.0}, {}], 4), None)
    first, *rest = map(json.loads, field_json(made, ["a", "b", "c", "d"]))
    assert (first["latents"], rest[1]["impacts"]) == (["1"], {"0": 1.0})
    assert (rest[0], rest[2]) == ({"count": 0, "digest": "b"}, {"count": 0, "digest": "d"})
    assert empty_field_json("b") == b'{"count":0,"digest":"b"}'


def test_no_text_has_no_field():
    assert field_json(FieldImpacts.of(from_features([], 4), None), []) == []


@pytest.mark.parametrize("n_latents", [7, 300, 70_000])
@pytest.mark.parametrize("saturation", [None, Saturation(2.0, 0.5, 2.0)])
def test_all_at_once_are_as_one_by_one(n_latents, saturation):
    made = FieldImpacts.of(prune(some(6, n_latents), 400), saturation)
    digests = [f"{row:016x}" for row in range(6)]
    assert field_json(made, digests) == one_by_one(made, digests)


@pytest.mark.parametrize("n_latents", [7, 300, 70_000])
def test_impacts_alone_are_as_one_by_one_whatever_their_order(n_latents):
    impacts = prune(some(6, n_latents), 400)
    made = FieldImpacts.of(impacts, None)
    plain = [
        orjson.dumps(impacts_object(made, row)["impacts"], option=orjson.OPT_SERIALIZE_NUMPY)
        for row in range(6)
    ]
    assert features_json(impacts) == plain
    mixed = impacts.copy()
    for start, end in zip(mixed.indptr[:-1], mixed.indptr[1:], strict=True):
        order = np.random.default_rng(0).permutation(end - start)
        mixed.indices[start:end] = mixed.indices[start:end][order]
        mixed.data[start:end] = mixed.data[start:end][order]
    assert features_json(mixed) == plain


def test_a_text_without_impacts_has_an_empty_object_and_no_text_none():
    assert features_json(from_features([{}, {"1": 2.0}, {}], 4)) == [b"{}", b'{"1":2.0}', b"{}"]
    assert features_json(from_features([], 4)) == []


def test_every_impact_that_an_index_can_keep_is_spelled_as_it_is_kept():
    least = np.float32(SMALLEST).view(np.uint32) >> 15
    bits = np.arange(least, np.float32(np.inf).view(np.uint32) >> 15, dtype=np.uint32)
    values = (bits << 15 | 0x7FFF).view(np.float32)  # the largest that is cut to it
    impacts = csr_array((values, np.arange(len(values)), [0, len(values)]))
    made = FieldImpacts(impacts, np.ones(1, np.float32))
    (written,) = field_json(made, ["ab"])
    assert [written] == one_by_one(made, ["ab"])
    found = json.loads(written)["impacts"]
    kept = np.array([found[str(latent)] for latent in range(len(values))], dtype=np.float32)
    assert np.array_equal(kept.view(np.uint32), bits << 15)
