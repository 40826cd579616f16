import json

import numpy as np
from scipy.sparse import csr_array

from splare_os.impacts import Impacts
from splare_os.serve import replies
from splare_os.serve.work import Explanations, Rows
from splare_os.statistics import Statistics


def rows() -> Impacts:
    return csr_array(np.array([[0.0, 1.2345, 2.0], [0.0, 0.0, 0.0]], dtype=np.float32))


def test_features_are_as_the_index_keeps_them_heaviest_first() -> None:
    assert replies.features(Rows.of(rows())) == b'{"response":[{"2":2.0,"1":1.234375},{}]}'


def test_columns_are_the_models_own_float32() -> None:
    found = json.loads(replies.columns(rows()))
    assert found == {"lengths": [2, 0], "latents": [1, 2], "impacts": [1.2345, 2.0]}
    assert np.float32(found["impacts"][0]) == np.float32(1.2345)


def test_sparse_values_are_pairs() -> None:
    assert json.loads(replies.sparse_values(rows())) == [
        [{"index": 1, "value": 1.2345}, {"index": 2, "value": 2.0}],
        [],
    ]


def test_an_explanation_names_the_token_and_one_without_a_span_is_empty() -> None:
    made = Explanations(rows(), [{2: (4, 7)}, {}])
    first, second = json.loads(replies.explained(made, ["the oil", ""]))["response"]
    assert first[0] == {"latent": 2, "impact": 2.0, "start": 4, "end": 7, "token": "oil"}
    assert (first[1]["latent"], first[1]["token"], first[1]["end"]) == (1, "", 0)
    assert second == []


def test_a_prior_is_told_whole() -> None:
    found = json.loads(replies.prior(Statistics(3, np.array([1.0, 2.0]), 4.5)))
    assert found == {"documents": 3, "length": 4.5, "document_frequency": [1.0, 2.0]}
