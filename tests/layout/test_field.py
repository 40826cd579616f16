import hashlib

import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.impacts import Impacts, from_features, stored, to_features
from splare_os.layout import DocumentCut
from splare_os.layout.field import (
    FieldImpacts,
    bad_impacts,
    digest,
    impacts_object,
)
from splare_os.scoring import Saturation


def plain(impacts: Impacts) -> FieldImpacts:
    return FieldImpacts.of(impacts, None)


def test_the_digest_is_a_hash_over_model_cut_and_text():
    whole = DocumentCut(400)
    assert digest("x", "ff", whole) == hashlib.sha256(b"ff\n400\nx").hexdigest()[:16]
    others = [("y", "ff", whole), ("x", "fe", whole), ("x", "ff", DocumentCut(100))]
    others.append(("x", "ff", DocumentCut(400, 0.9)))
    assert len({digest(*made) for made in [("x", "ff", whole), *others]}) == 5
    hashed = hashlib.sha256(b"ff\n400\n2.0 0.4 70.5\nx").hexdigest()[:16]
    assert digest("x", "ff", DocumentCut(400), Saturation(2.0, 0.4, 70.5)) == hashed


def test_impacts_stand_heaviest_first_as_lucene_keeps_them():
    impacts = plain(from_features([{"3": 0.25, "10": 1.2345, "2": 0.25}], 16))
    assert impacts_object(impacts, 0) == {
        "impacts": {"10": 1.234375, "2": 0.25, "3": 0.25},
        "latents": ["10", "2", "3"],
        "count": 3,
        "length": np.float32(1.7345),
    }
    assert list(impacts_object(impacts, 0)["impacts"]) == ["10", "2", "3"]


def test_the_fast_order_is_that_of_to_features():
    rng = np.random.default_rng(0)
    dense = (rng.random((5, 300)) * (rng.random((5, 300)) < 0.3)).astype(np.float32)
    impacts = csr_array(dense)
    for row in range(5):
        assert list(impacts_object(plain(impacts), row)["impacts"].items()) == list(
            to_features(stored(impacts), row).items()
        )


def test_only_the_twenty_heaviest_latents_are_kept_for_aggregations():
    impacts = plain(from_features([{str(n): 1.0 + n for n in range(30)}], 30))
    assert impacts_object(impacts, 0)["latents"] == [str(n) for n in range(29, 9, -1)]


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-39, np.inf, np.nan])
def test_what_lucene_refuses_is_found_with_its_latent(value):
    impacts = csr_array(
        (np.array([1, value, 1], dtype=np.float32), np.array([3, 4, 3]), np.array([0, 2, 3])),
        shape=(2, 8),
    )
    (row, reason), *others = bad_impacts(impacts).items()
    assert (row, others) == (0, [])
    assert "of latent 4: the encoder must give finite values" in reason


def test_saturated_impacts_keep_the_length_that_the_model_gave():
    impacts = from_features([{"1": 1.0, "2": 3.0}], 4)
    made = impacts_object(FieldImpacts.of(impacts, Saturation(2.0, 0.5, 2.0)), 0)
    assert made["impacts"] == {"2": 1.5, "1": 0.75}
    assert made["length"] == 4.0
