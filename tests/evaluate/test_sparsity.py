import numpy as np
from scipy.sparse import csr_array

from splare_os.evaluate.sparsity import Sparsity, sparsity
from splare_os.impacts import Impacts


def rows(*texts: list[float]) -> Impacts:
    return csr_array(np.array(texts, dtype=np.float32))


def test_flops_is_the_expected_number_of_multiplications_of_a_pair() -> None:
    queries = rows([1.0, 2.0, 0.0], [0.0, 0.5, 0.0])
    first, second = rows([3.0, 1.0, 1.0], [0.0, 1.0, 0.0]), rows([0.0, 0.0, 7.0], [1.0, 1.0, 1.0])
    # p(query) = 1/2, 1, 0; p(document) = 2/4, 3/4, 3/4; 1/4 + 3/4 + 0
    assert sparsity(queries, [first, second]) == Sparsity(1.5, 2.0, 1.0)
    common = (queries > 0).astype(int) @ (rows(*first.toarray(), *second.toarray()) > 0).T
    assert common.toarray().mean() == 1.0


def test_texts_without_latents_count_as_zero() -> None:
    assert sparsity(rows([0.0, 0.0]), [rows([0.0, 1.0])]) == Sparsity(0.0, 1.0, 0.0)
