from typing import Any

import pytest

from splare_os.encode.replies import Reply, columns, info, prior, spans, sparse_values
from splare_os.errors import ModelServerError

HUGE = 10**30
"""More than any array holds."""


def reply(content: object) -> Reply:
    return Reply("http://server/path", content)


OURS = {
    "model_id": "m",
    "fingerprint": "0123456789abcdef",
    "n_latents": 8,
    "document_top_k": 400,
    "query_top_k": None,
    "has_prior": True,
    "max_client_batch_size": 64,
}


def test_what_a_server_tells_of_its_model_is_read() -> None:
    found = info(reply(OURS))
    assert (found.is_ours, found.name, found.n_latents, found.max_texts) == (True, "m", 8, 64)
    assert (found.document_top_k, found.query_top_k, found.has_prior) == (400, None, True)
    others = info(reply({"model_id": "m", "model_sha": None}))
    assert (others.is_ours, others.n_latents, others.has_prior) == (False, None, False)
    assert len(others.fingerprint) == 16


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"model_id": None}, "model_id=None"),
        ({"fingerprint": None}, "fingerprint=None"),
        ({"fingerprint": "two\nlines"}, "not of letters and digits alone"),
        ({"n_latents": None}, "no n_latents"),
        *(({"n_latents": one}, f"n_latents={one!r}: it is from 1") for one in (-3, 0, 1.5, "8")),
        ({"n_latents": True}, "n_latents=True"),
        ({"n_latents": HUGE}, "to 2147483647"),
        ({"document_top_k": "x"}, "document_top_k='x'"),
        ({"query_top_k": 0}, "query_top_k=0"),
        ({"has_prior": "no"}, "has_prior='no'"),
        ({"max_client_batch_size": -1}, "max_client_batch_size=-1"),
    ],
)
def test_a_model_that_cannot_be_is_refused(told: dict[str, object], said: str) -> None:
    with pytest.raises(ModelServerError, match=said):
        info(reply(OURS | told))


def test_columns_are_impacts_in_any_order() -> None:
    found = columns(reply({"lengths": [2, 0], "latents": [5, 1], "impacts": [1, 0.5]}), 2, 8)
    assert found.toarray().tolist() == [[0, 0.5, 0, 0, 0, 1, 0, 0], [0] * 8]
    assert columns(reply({"lengths": [0], "latents": [], "impacts": []}), 1, 8).nnz == 0


@pytest.mark.parametrize(
    ("lengths", "latents", "impacts", "said"),
    [
        ([1], [1], [1.0], "rows of 1 texts, and 2 were asked about"),
        ([1, 1, 1], [1, 2, 3], [1.0, 1.0, 1.0], "rows of 3 texts"),
        ([1, 0], [1, 2], [1.0, 1.0], "2 latents and 2 impacts, where lengths add up to 1"),
        ([1, 1], [1, 2], [1.0], "2 latents and 1 impacts"),
        ([-1, 3], [1, 2], [1.0, 1.0], "-1: a length is from 0 to 2"),
        ([2**62, 2**62], [1, 2], [1.0, 1.0], "a length is from 0 to 2"),
        ([1.7, 1.2], [1, 2], [1.0, 1.0], "1.7 among its lengths"),
        ([[1], [1]], [1, 2], [1.0, 1.0], r"\[1\] among its lengths"),
        (2, [1, 2], [1.0, 1.0], "lengths=2, which is no list"),
        ([1, 1], [1.9, 2], [1.0, 1.0], "1.9 among its latents"),
        ([1, 1], [-1, 2], [1.0, 1.0], "-1: a latent is from 0 to 7"),
        ([1, 1], [1, 8], [1.0, 1.0], "8: a latent is from 0 to 7"),
        ([1, 1], [1, HUGE], [1.0, 1.0], f"{HUGE} among its latents"),
        ([1, 1], [True, 2], [1.0, 1.0], "a truth value among its latents"),
        ([2, 0], [1, 1], [1.0, 1.0], "a latent twice for one text"),
        ([1, 1], [1, 2], [None, 1.0], "None among its impacts"),
        ([1, 1], [1, 2], ["1", 1.0], "'1' among its impacts"),
        ([1, 1], [1, 2], [1e39, 1.0], r"1e\+39: an impact is more than 0, and finite"),
        ([1, 1], [1, 2], [10**400, 1.0], "among its impacts"),
        ([1, 1], [1, 2], [1e-50, 1.0], "1e-50: an impact is more than 0"),
        ([1, 1], [1, 2], [-1.0, 1.0], "-1.0: an impact is more than 0"),
        ([1, 1], [1, 2], [1.0, 0.0], "0.0: an impact is more than 0"),
    ],
)
def test_columns_that_cannot_be_are_refused(
    lengths: object, latents: object, impacts: object, said: str
) -> None:
    found = {"lengths": lengths, "latents": latents, "impacts": impacts}
    with pytest.raises(ModelServerError, match=f"server/path answers .*{said}.*a proxy between"):
        columns(reply(found), 2, 8)


@pytest.mark.parametrize("found", [None, [], "x", {"lengths": [1, 1]}])
def test_what_is_no_columns_is_refused(found: object) -> None:
    with pytest.raises(ModelServerError, match="which has no"):
        columns(reply(found), 2, 8)


def value(index: object, number: object) -> dict[str, object]:
    return {"index": index, "value": number}


def test_what_others_list_as_0_is_no_impact() -> None:
    rows = [[value(3, 1.5), value(2, 0), value(1, 0.25)], [value(0, 0.0)], [value(7, 1)]]
    found = sparse_values(reply(rows), [1, 2, 4], 5, 8)
    assert found.nnz == 3
    assert found.toarray()[1].tolist() == [0, 0.25, 0, 1.5, 0, 0, 0, 0]
    assert found.toarray()[4].tolist() == [0, 0, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[]], "rows of 1 texts, and 2"),
        (None, "None in place of a list for each text"),
        ({"a": [], "b": []}, "in place of a list for each text"),
        (["ab", "cd"], "in place of a list for each text"),
        ([[1.0, 2.0], [1.0]], "a row without 'index'"),
        ([[{"index": 1}], []], "a row without 'value'"),
        ([[value(1.7, 1.0)], []], "1.7 among its indices"),
        ([[value(1e30, 1.0)], []], r"1e\+30 among its indices"),
        ([[value("1", 1.0)], []], "'1' among its indices"),
        ([[value(1, None)], []], "None among its values"),
        ([[value(1, 1e39)], []], r"1e\+39: an impact"),
        ([[value(1, -1.0)], []], "-1.0: an impact"),
        ([[value(1, 1.0), value(1, 2.0)], []], "a latent twice"),
        ([[value(8, 1.0)], []], "is n_latents right?"),
    ],
)
def test_sparse_values_that_cannot_be_are_refused(rows: object, said: str) -> None:
    with pytest.raises(ModelServerError, match=said):
        sparse_values(reply(rows), [0, 1], 2, 8)


def span(latent: object, start: object, end: object) -> dict[str, object]:
    return {"latent": latent, "start": start, "end": end, "impact": 1.0, "token": "?"}


def test_spans_are_those_of_their_text() -> None:
    rows = [[span(2, 0, 3), span(1, 4, 7)], [], [span(2, 0, 0)]]
    found = spans(reply({"response": rows}), ["the oil", "", "x"], 8)
    assert found == [{2: (0, 3), 1: (4, 7)}, {}, {2: (0, 0)}]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[span(1, 0, 1)]], "rows of 1 texts, and 2"),  # it would shift onto another text
        ([[], [], []], "rows of 3 texts"),
        ("ab", "in place of a list for each text"),
        ([[{"latent": 1}], []], "a row without 'start'"),
        ([[span("x", 0, 1)], []], "'x' among its latents"),
        ([[span(9, 0, 1)], []], "9: a latent is from 0 to 7"),
        ([[span(1, "a", None)], []], "'a' among its starts"),
        ([[span(1, 0, 4)], []], "4: an end is within its text"),
        ([[span(1, 2, 1)], []], "2: a start is from 0 to its end"),
        ([[span(1, -1, 1)], []], "-1: a start"),
        ([[span(1, 0, 1), span(1, 1, 2)], []], "a latent twice"),
    ],
)
def test_spans_that_cannot_be_are_refused(rows: object, said: str) -> None:
    with pytest.raises(ModelServerError, match=said):
        spans(reply({"response": rows}), ["abc", "d"], 8)


PRIOR: dict[str, Any] = {"documents": 10, "length": 5.5, "document_frequency": [1, 2, 0.5]}


def test_a_prior_is_statistics() -> None:
    found = prior(reply(PRIOR), 3)
    assert (found.documents, found.length) == (10, 5.5)
    assert found.document_frequency.tolist() == [1, 2, 0.5]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"document_frequency": [1]}, "1 numbers of documents of 3 latents"),
        ({"document_frequency": [1, 2, -1]}, "-1.0: statistics are 0 or more"),
        ({"document_frequency": [[1], 2, 3]}, r"\[1\] among its document_frequency"),
        ({"documents": -1}, "-1.0: statistics"),
        ({"documents": "x"}, "'x' among its documents and length"),
        ({"length": float("inf")}, "inf: statistics"),
    ],
)
def test_a_prior_that_cannot_be_is_refused(told: dict[str, object], said: str) -> None:
    with pytest.raises(ModelServerError, match=said):
        prior(reply(PRIOR | told), 3)
    with pytest.raises(ModelServerError, match="which has no"):
        prior(reply(None), 3)
