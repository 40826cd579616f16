import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.impacts import Impacts
from splare_os.statistics import PRIOR_DOCUMENTS, Statistics


def impacts(*rows: list[float]) -> Impacts:
    return csr_array(np.array(rows, dtype=np.float32))


def test_documents_latents_and_lengths_are_counted() -> None:
    found = Statistics.of(impacts([1.0, 0.0, 2.0], [0.5, 0.0, 0.0], [0.0, 0.0, 0.0]))
    assert found.documents == 3
    assert found.document_frequency.tolist() == [2, 0, 1]
    assert found.length == 3.5
    assert found.mean_length == pytest.approx(3.5 / 3)


def test_two_collections_together_are_the_collection_of_both() -> None:
    first, second = impacts([1.0, 0.0], [0.5, 2.0]), impacts([0.0, 4.0])
    both = Statistics.of(first) + Statistics.of(second)
    whole = Statistics.of(impacts([1.0, 0.0], [0.5, 2.0], [0.0, 4.0]))
    assert (both.documents, both.length) == (whole.documents, whole.length)
    assert both.document_frequency.tolist() == whole.document_frequency.tolist()


def test_a_collection_is_scaled_with_its_shares() -> None:
    scaled = Statistics(4, np.array([2.0, 1.0]), 10.0).scaled(8)
    assert (scaled.documents, scaled.length, scaled.mean_length) == (8, 20.0, 2.5)
    assert scaled.document_frequency.tolist() == [4, 2]
    assert Statistics.none(2).scaled(8).document_frequency.tolist() == [0, 0]


def test_idf_is_that_of_bm25() -> None:
    idf = Statistics(10, np.array([0.0, 1.0, 5.0, 10.0]), 1.0).idf()
    hand = [math.log(1 + (10 - df + 0.5) / (df + 0.5)) for df in (1, 1, 5, 10)]
    assert idf == pytest.approx(hand)
    assert (np.diff(idf)[1:] < 0).all()
    assert (idf > 0).all()


def test_in_a_collection_of_one_document_all_latents_weigh_the_same() -> None:
    assert len(set(Statistics(1, np.array([1.0, 0.0]), 1.0).idf().tolist())) == 1


def test_where_nothing_is_known_all_latents_weigh_the_same() -> None:
    assert len(set(Statistics.none(5).idf().tolist())) == 1


def test_more_documents_of_a_latent_than_there_are_give_no_negative_weight() -> None:
    assert (Statistics(1, np.array([3.0]), 1.0).idf() > 0).all()  # a sample, or a stale count


def test_a_prior_fades_as_documents_come() -> None:
    prior = Statistics(50_000, np.array([40_000.0, 5.0]), 100.0)
    empty = Statistics.none(2).with_prior(prior)
    assert empty.documents == PRIOR_DOCUMENTS
    assert empty.document_frequency == pytest.approx([80, 0.01])
    many = Statistics(1e6, np.array([10.0, 9e5]), 100.0)
    assert many.with_prior(prior).idf() == pytest.approx(many.idf(), rel=0.25)
    assert many.with_prior(None) is many


def test_each_document_changes_the_weights_a_little() -> None:
    prior = Statistics(1000, np.array([500.0, 10.0]), 100.0)
    known = Statistics.none(2)
    row = Statistics.of(impacts([1.0, 0.0]))
    before = known.with_prior(prior).idf()
    for _ in range(200):
        known = known + row
        after = known.with_prior(prior).idf()
        assert np.abs(after - before).max() < 0.05
        before = after
