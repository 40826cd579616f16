import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.search import explain


def test_shared_latents_with_what_each_adds_largest_first() -> None:
    query = csr_array(np.array([[0.5, 2.0, 1.0, 3.0]], dtype=np.float32))
    found = explain(query, {"0": 4.0, "2": 1.2345, "7": 9.0, "1": 1.0})
    assert [(one.latent, one.score) for one in found] == [(0, 2.0), (1, 2.0), (2, 1.234375)]
    assert (found[2].query_impact, found[2].document_impact) == (1.0, 1.234375)


@pytest.mark.parametrize("document", [{}, {"9": 1.0}])
def test_nothing_shared_explains_nothing(document: dict[str, float]) -> None:
    assert explain(csr_array(np.array([[1.0]], dtype=np.float32)), document) == []
