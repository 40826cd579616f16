import numpy as np
import orjson
import pytest
from scipy.sparse import csr_array

from splare_os.impacts import prune
from splare_os.layout.field import FieldImpacts, impacts_object
from splare_os.layout.records import FieldRecord
from splare_os.scoring import Saturation
from splare_os.serve.native import stored

from .serving import Server

IMPACTS = csr_array(np.array([[1.0, 3.0, 0.5], [0, 0, 0]], dtype=np.float32))


def test_impacts_are_cut_and_saturated_as_the_record_says() -> None:
    saturation = Saturation(k1=2.0, b=0.5, mean_length=2.0)
    record = FieldRecord("hash", "0123456789abcdef", 3, 2, ("text",), saturation)
    found = orjson.loads(stored(IMPACTS, record))
    # the two heaviest are 4 long: the pivot is 2 · (½ + ½ · 4 / 2) = 3
    assert found == {"response": [{"1": 1.5, "0": 0.75, "length": 4.0}, {}]}


def test_a_mass_in_the_record_cuts_too() -> None:
    record = FieldRecord("hash", "0123456789abcdef", 3, 400, ("text",), mass=0.8)
    [first, _] = orjson.loads(stored(IMPACTS, record))["response"]
    assert first == {"1": 3.0, "0": 1.0, "length": 4.0}  # of 4.5


def test_plain_impacts_stay_as_they_are() -> None:
    record = FieldRecord("hash", "0123456789abcdef", 3, 400, ("text",))
    [first, _] = orjson.loads(stored(IMPACTS, record))["response"]
    assert first == {"1": 3.0, "0": 1.0, "2": 0.5, "length": 4.5}
    assert stored(IMPACTS[:0], record) == b'{"response":[]}'


@pytest.mark.parametrize("saturation", [None, Saturation(k1=2.0, b=0.5, mean_length=40.0)])
def test_all_texts_at_once_are_written_as_the_worker_writes_each(
    saturation: Saturation | None,
) -> None:
    draw = np.random.default_rng(0)
    dense = draw.gamma(2.0, 1.0, (9, 300)) * (draw.random((9, 300)) < 0.3)
    dense[4] = 0.0
    impacts = csr_array(dense.astype(np.float32))
    made = FieldImpacts.of(prune(impacts, 50), saturation)
    one_by_one = [
        {**impacts_object(made, row)["impacts"], "length": made.lengths[row]}  # type: ignore[dict-item]
        for row in range(9)
    ]
    one_by_one[4] = {}
    record = FieldRecord("hash", "0123456789abcdef", 300, 50, ("text",), saturation)
    plain = orjson.dumps({"response": one_by_one}, option=orjson.OPT_SERIALIZE_NUMPY)
    assert stored(impacts, record) == plain


def test_without_a_cluster_the_routes_say_what_to_do(server: Server) -> None:
    for path in ("/native/documents", "/native/queries"):
        asked = {"texts": ["ants"], "index": "facts", "field": "text"}
        status, found = server.post(path, asked)
        assert (status, found["error_type"]) == (404, "Cluster")
        assert "--url" in found["error"]
