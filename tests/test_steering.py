import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from splare_os.impacts import empty
from splare_os.search import Steering


def rows(*values: list[float]) -> csr_array:
    return csr_array(np.array(values, dtype=np.float32))


def test_a_latent_is_boosted_muted_and_added_in_shares_of_the_heaviest() -> None:
    steering = Steering.parse({"boost": {"1": 3}, "mute": [0], "add": {"2": 0.5, "3": 0.25}})
    before = rows([4.0, 1.0, 2.0, 0.0], [0.0, 2.0, 0.0, 0.0])
    after = steering.of(before)
    assert after.toarray().tolist() == [[0.0, 3.0, 4.0, 1.0], [0.0, 6.0, 1.0, 0.5]]
    assert (after.data > 0).all()
    assert after.has_sorted_indices
    assert before.toarray().tolist() == [[4.0, 1.0, 2.0, 0.0], [0.0, 2.0, 0.0, 0.0]]


def test_of_what_is_all_muted_nothing_stays() -> None:
    assert Steering(mute=(0, 1)).of(rows([4.0, 1.0, 0.0])).nnz == 0


def test_what_is_added_to_no_weight_counts_as_it_is() -> None:
    assert Steering(add=((2, 0.5),)).of(empty(1, 3)).toarray().tolist() == [[0.0, 0.0, 0.5]]


def test_to_boost_or_mute_what_is_not_there_changes_nothing() -> None:
    steering = Steering.parse({"boost": {2: 5.0}, "mute": [3]})
    assert steering.of(rows([4.0, 1.0, 0.0, 0.0])).toarray().tolist() == [[4.0, 1.0, 0.0, 0.0]]


def test_a_steering_is_told_from_another_by_what_it_says() -> None:
    one = Steering.parse({"mute": [3, 12], "boost": {"7": 2, "1": 3}})
    assert one == Steering.parse({"boost": {1: 3.0, 7: 2.0}, "mute": {12, 3}})
    assert len({one, Steering.read("-12,-3,1=3,7=2"), Steering.read("-12")}) == 2


def test_a_line_says_the_same_as_an_object() -> None:
    assert Steering.read(" 1907=2, -12,+77,+78=0.5,9=1e-2") == Steering.parse(
        {"boost": {"1907": 2, "9": 0.01}, "mute": [12], "add": {"77": 1, "78": 0.5}}
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, r"\{\}: write an object with some of boost, mute, add"),
        ([12], r"\[12\]: write an object"),
        ({"boots": {}}, r"'boots': known are \('boost', 'mute', 'add'\)"),
        ({"boost": [1]}, r"boost=\[1\]: give an object, latent to number"),
        ({"boost": {"1": 0}}, "boost of latent 1 is 0: give a number from 0.001 to 1000; mute"),
        ({"add": {"1": -2}}, "add of latent 1 is -2: give a number"),
        ({"add": {"1": float("inf")}}, "add of latent 1 is inf"),
        ({"add": {"1": 10**400}}, "add of latent 1 is 10+: give a number"),
        ({"add": {"1": float("nan")}}, "add of latent 1 is nan"),
        ({"add": {"1": True}}, "add of latent 1 is True"),
        ({"add": {"1": "2"}}, "add of latent 1 is '2'"),
        ({"add": {"oil": 1}}, "add names 'oil': a latent is a number, at least 0"),
        ({"mute": 12}, "mute=12: give a list of latents"),
        ({"mute": [-1]}, "mute names -1: a latent is a number"),
        ({"mute": [True]}, "mute names True: a latent is a number"),
        ({"mute": [1.5]}, "mute names 1.5: a latent is a number"),
        ({"mute": [3, "3"]}, "latent 3 is named twice: boost it, mute it or add it, once"),
        ({"mute": [3], "boost": {"3": 2}}, "latent 3 is named twice"),
        ({"add": {"3": 1}, "boost": {"3": 2}}, "latent 3 is named twice"),
        ({"boost": {3: 1, "3": 2}}, "latent 3 is named twice"),
    ],
)
def test_what_is_no_steering_is_refused(content: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Steering.parse(content)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "'': write N=F to boost latent N, -N to mute it"),
        ("12", "'12': write N=F"),
        ("-12=3", "'-12=3': write N=F"),
        ("1=2,,3=4", "'': write N=F"),
        ("1=two", "'1=two': 'two' is no number"),
        ("+1=nan", "add of latent 1 is nan"),
        ("1=2,1=3", "latent 1 is named twice"),
        ("-1,+01", "latent 1 is named twice"),
        ("@news,-1", "'@news': write N=F"),
    ],
)
def test_a_line_that_says_nothing_clear_is_refused(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Steering.read(line)


def test_a_latent_that_the_model_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="latent 9: the model has latents 0 to 3"):
        Steering(mute=(2, 9)).of(rows([4.0, 1.0, 2.0, 0.0]))


@given(
    st.lists(st.sampled_from(range(8)), unique=True),
    st.lists(st.floats(0.001, 1000), min_size=8, max_size=8),
    st.lists(st.just(0.0) | st.floats(2**-10, 9, width=32), min_size=8, max_size=8),
)
def test_any_steering_is_what_a_plain_loop_gives(
    latents: list[int], amounts: list[float], weights: list[float]
) -> None:
    kinds = ("boost", "mute", "add")
    content: dict[str, Any] = {"boost": {}, "mute": [], "add": {}}
    expected = np.array(weights, dtype=np.float64)
    heaviest = max(weights) or 1.0
    for latent in latents:
        kind = kinds[latent % 3]
        if kind == "mute":
            content[kind].append(latent)
            expected[latent] = 0
            continue
        content[kind][str(latent)] = amounts[latent]
        if kind == "boost":
            expected[latent] *= amounts[latent]
        else:
            expected[latent] += amounts[latent] * heaviest
    steering = Steering.parse(json.loads(json.dumps(content)))
    np.testing.assert_allclose(steering.of(rows(weights)).toarray()[0], expected, rtol=1e-5)
