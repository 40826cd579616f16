import numpy as np
import pytest

from splare_os.errors import MappingError
from splare_os.layout import FieldRecord
from splare_os.layout.saturating import chosen_saturation, default_saturation
from splare_os.scoring import K1, B, Saturation
from splare_os.statistics import Statistics
from tests.hashing import HashEncoder


class PriorEncoder(HashEncoder):
    prior = Statistics(10, np.ones(512), 705.43217)


def record(saturation: Saturation | None) -> FieldRecord:
    return FieldRecord("hash", "f" * 16, 512, 400, ("text",), saturation)


def test_a_model_with_a_prior_knows_how_long_documents_are() -> None:
    assert default_saturation(PriorEncoder(), None) == Saturation(K1, B, 70.5432)


def test_without_a_prior_length_does_not_count() -> None:
    assert default_saturation(HashEncoder(), "calibrated") == Saturation(K1, 0.0, 1.0)


def test_for_dot_products_impacts_are_stored_as_the_model_gives_them() -> None:
    assert default_saturation(PriorEncoder(), "dot") is None


def test_what_is_there_decides() -> None:
    known = Saturation(1.0, 0.0, 5.0)
    assert chosen_saturation(PriorEncoder(), None, [record(known)]) == known
    assert chosen_saturation(PriorEncoder(), "calibrated", [record(known)]) == known
    assert chosen_saturation(PriorEncoder(), None, [record(None)]) is None
    assert chosen_saturation(PriorEncoder(), "dot", []) is None


@pytest.mark.parametrize(("asked", "there"), [("dot", Saturation()), ("calibrated", None)])
def test_another_scoring_than_the_one_that_is_stored_is_refused(asked, there) -> None:
    with pytest.raises(MappingError, match=f"scoring='{asked}': the index stores impacts for"):
        chosen_saturation(PriorEncoder(), asked, [record(there)])


def test_a_scoring_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="scoring='bm25': choose one of dot, calibrated"):
        default_saturation(PriorEncoder(), "bm25")  # type: ignore[arg-type]
