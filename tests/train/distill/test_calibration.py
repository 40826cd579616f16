import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from splare_os.scoring import Saturation, weighed
from splare_os.statistics import Statistics
from splare_os.train.distill.calibration import Calibration

PRIOR = Statistics(100, np.array([90.0, 10.0, 0.0, 50.0]), 250.0)
IMPACTS = np.array([[1.0, 0.0, 2.0, 0.5], [0.0, 0.0, 0.0, 3.0], [0.0] * 4], dtype=np.float32)


def test_queries_weigh_as_they_do_in_a_search() -> None:
    found = Calibration.of(PRIOR).of_queries(torch.from_numpy(IMPACTS))
    expected = weighed(csr_array(IMPACTS), PRIOR.idf()).toarray()
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_documents_saturate_as_they_are_stored() -> None:
    calibration = Calibration.of(PRIOR)
    assert calibration.saturation == Saturation(b=0.4, mean_length=2.5)
    found = calibration.of_documents(torch.from_numpy(IMPACTS))
    expected = calibration.saturation.of(csr_array(IMPACTS)).toarray()
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_a_gradient_is_a_number_also_where_there_is_no_impact() -> None:
    impacts = torch.from_numpy(IMPACTS).requires_grad_()
    Calibration.of(PRIOR).of_documents(impacts).sum().backward()  # type: ignore[no-untyped-call]
    assert impacts.grad is not None
    # d/dx of x (k1 + 1) / (x + k1 (1 - b)) at 0, in the third text: 1.7 / 0.42
    assert impacts.grad[2].tolist() == pytest.approx([1.7 / 0.42] * 4, rel=1e-6)
