import numpy as np
from scipy.sparse import csc_array, csr_array

from benchmarks.two_step import heaviest, measured, scores

DOCUMENTS = csc_array(np.array([[1, 0, 2], [3, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32))
QUERY = csr_array(np.array([[1.0, 4.0, 2.0]], np.float32))


def test_scores_are_dot_products() -> None:
    assert scores({"0": 1.0, "2": 2.0}, DOCUMENTS).tolist() == [5, 3, 0, 0]


def test_postings_and_recall_are_counted() -> None:
    # latents 1 and 2 are in a quarter of the documents each, latent 0 in a half
    assert measured([QUERY], DOCUMENTS, heaviest(3)) == (1.0, 0.4)  # four documents of ten
    assert measured([QUERY], DOCUMENTS, heaviest(1))[0] == 0.25
