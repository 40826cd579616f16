import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from splare_os.encode.pooling.rule import PoolingRule, pooling_rule

TOKENS = torch.tensor([[1.0, 0.0], [3.0, 0.0], [5.0, 4.0]])


def test_a_maximum_is_of_one_token_and_a_sum_of_all() -> None:
    assert PoolingRule("max").pooled(TOKENS).tolist() == [5, 4]
    assert PoolingRule("sum").pooled(TOKENS).tolist() == [9, 4]


def test_saturation_follows_pooling() -> None:
    assert PoolingRule("sum", "sqrt").saturated(torch.tensor([9.0, 0.0])).tolist() == [3, 0]
    saturated = PoolingRule("sum", "log1p").saturated(torch.tensor([9.0])).item()
    assert saturated == pytest.approx(np.log(10))


def test_rows_are_saturated_where_they_are() -> None:
    rows = csr_array((np.float32([16, 4, 9]), [2, 0, 1], [0, 2, 2, 3]), shape=(3, 3))
    found = PoolingRule("sum", "sqrt").saturated_rows(rows)
    assert found.toarray().tolist() == [[2, 0, 4], [0, 0, 0], [0, 3, 0]]
    assert found.data.dtype == np.float32


@pytest.mark.parametrize("rule", [PoolingRule(), PoolingRule("sum", "sqrt")])
def test_rows_come_back_from_their_saturation(rule: PoolingRule) -> None:
    rows = csr_array((np.float32([16, 4, 0.25]), [2, 0, 1], [0, 2, 2, 3]), shape=(3, 3))
    found = rule.unsaturated_rows(rule.saturated_rows(rows))
    np.testing.assert_allclose(found.toarray(), rows.toarray(), rtol=1e-5)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"pooling": "mean"}, "pooling='mean': choose one of max, sum"),
        ({"saturation": "none"}, "saturation='none': choose one of log1p, sqrt"),
    ],
)
def test_a_rule_that_there_is_not_is_refused(rule: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        PoolingRule(**rule)  # type: ignore[arg-type]


def test_each_pooling_has_its_usual_saturation() -> None:
    assert pooling_rule("max") == PoolingRule("max", "log1p")
    assert pooling_rule("sum") == PoolingRule("sum", "sqrt")
    assert pooling_rule("sum", "log1p") == PoolingRule("sum", "log1p")
    with pytest.raises(ValueError, match="pooling='mean': choose one of max, sum"):
        pooling_rule("mean")
