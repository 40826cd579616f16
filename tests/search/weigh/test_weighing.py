import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.errors import MappingError
from splare_os.layout import FieldRecord
from splare_os.scoring import K1, Saturation
from splare_os.search.weigh.collection import Known
from splare_os.search.weigh.queries import Queries
from splare_os.search.weigh.weighing import Weighing, weighing
from splare_os.statistics import Statistics

IDF = np.array([4.0, 1.0, 0.36])
KNOWN = Known(IDF, 50.0)


def record(saturation: Saturation | None) -> FieldRecord:
    return FieldRecord("hash", "f" * 16, 3, 400, ("text",), saturation)


def row(*values: float) -> csr_array:
    return csr_array(np.array([values], dtype=np.float32))


def test_idf_tells_which_share_of_documents_shows_a_latent() -> None:
    found = Weighing(Statistics(3, np.array([3.0, 1.0]), 1.0).idf()).shares
    assert found == pytest.approx([3.5 / 4, 1.5 / 4])
    assert Weighing().shares is None


def test_the_cut_keeps_what_is_heavy_here_not_what_the_model_gave_most() -> None:
    queries = Queries(row(1.0, 1.5, 3.0), top_k=2)
    assert Weighing(IDF).weights(queries).toarray()[0] == pytest.approx([2.0, 0.0, 1.8])
    assert Weighing().weights(queries).toarray().tolist() == [[0.0, 1.5, 3.0]]


def test_saturated_impacts_are_weighed_by_idf_alone() -> None:
    found = weighing({"i": record(Saturation(1.0, 0.2, 9.0))}, "calibrated", lambda: KNOWN)
    assert (found.idf is IDF, found.k1, found.documents) == (True, None, 50.0)


def test_plain_impacts_are_left_to_the_cluster_to_saturate() -> None:
    found = weighing({"i": record(None)}, "calibrated", lambda: KNOWN)
    assert (found.idf is IDF, found.k1) == (True, K1)


def test_a_dot_product_asks_for_no_statistics() -> None:
    assert weighing({"i": record(None)}, "dot", lambda: 1 / 0) == Weighing()


def test_a_dot_product_of_saturated_impacts_is_refused() -> None:
    with pytest.raises(MappingError, match="scoring='dot': i keeps saturated impacts"):
        weighing({"i": record(Saturation())}, "dot", lambda: KNOWN)


def test_indices_have_to_store_the_same() -> None:
    records = {"old": record(None), "new": record(Saturation())}
    with pytest.raises(MappingError, match="old: None, new: Saturation"):
        weighing(records, "calibrated", lambda: KNOWN)


def test_a_model_with_another_prior_stores_nearly_the_same() -> None:
    records = {"old": record(Saturation(0.7, 0.4, 70.0)), "new": record(Saturation(0.7, 0.4, 74.0))}
    assert weighing(records, "calibrated", lambda: KNOWN).k1 is None


def test_where_no_index_is_there_is_nothing_to_saturate() -> None:
    assert weighing({}, "calibrated", lambda: KNOWN).k1 is None


def test_a_scoring_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="scoring='bm25': choose one of dot, calibrated"):
        weighing({}, "bm25", lambda: KNOWN)  # type: ignore[arg-type]
