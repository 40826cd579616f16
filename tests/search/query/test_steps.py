import numpy as np
import pytest

from splare_os.search import translate, two_step
from splare_os.search.query.steps import PAYS_FROM, Steps, plan

from .test_query import FIELD, row


def test_two_step_splits_the_latents_between_query_and_rescore() -> None:
    body = two_step(row(3, 1, 2), FIELD, heaviest=2, window=50)
    first = [clause["rank_feature"]["field"] for clause in body["query"]["bool"]["should"]]
    assert first == [f"{FIELD}.0", f"{FIELD}.2"]
    rescore = body["rescore"]["query"]
    rest = rescore["rescore_query"]["bool"]["should"]
    assert [clause["rank_feature"]["field"] for clause in rest] == [f"{FIELD}.1"]
    assert (body["rescore"]["window_size"], rescore["score_mode"]) == (50, "total")


def test_a_first_pass_reads_the_postings_that_are_worth_most() -> None:
    weights = [4.0, *np.linspace(1.9, 1.0, 19)]
    shares = np.array([0.9, *[0.02] * 19])  # together 1.28: a quarter is 0.32, 16 rare latents
    body = two_step(row(*weights), FIELD, shares=shares)
    first = [one["rank_feature"]["field"] for one in body["query"]["bool"]["should"]]
    assert first == [f"{FIELD}.{latent}" for latent in range(1, 17)]
    rest = body["rescore"]["query"]["rescore_query"]["bool"]["should"]
    assert [one["rank_feature"]["field"] for one in rest] == [
        f"{FIELD}.{latent}" for latent in (0, 17, 18, 19)
    ]


def test_a_first_pass_has_eight_latents_however_common() -> None:
    body = two_step(row(*range(20, 10, -1)), FIELD, shares=np.full(10, 0.5))
    assert len(body["query"]["bool"]["should"]) == 8
    everything = two_step(row(3, 2, 1), FIELD, shares=np.full(3, 0.5))
    assert everything == {"query": translate(row(3, 2, 1), FIELD)}
    assert two_step(row(0, 0), FIELD, shares=np.full(2, 0.5)) == {"query": {"match_none": {}}}


def test_two_step_of_few_latents_is_one_step() -> None:
    assert two_step(row(3, 1), FIELD, heaviest=2) == {"query": translate(row(3, 1), FIELD)}


def test_two_steps_are_made_where_enough_postings_are_left_out() -> None:
    weights, shares = row(*range(40, 0, -1)), np.array([0.5] * 2 + [0.01] * 38)
    few = plan(weights, Steps(), shares, documents=1_000)
    assert (few.rest, few.postings, few.read) == ({}, pytest.approx(1380), pytest.approx(1380))
    assert two_step(weights, FIELD, shares=shares, documents=1_000) == {
        "query": translate(weights, FIELD)
    }
    many = plan(weights, Steps(), shares, documents=PAYS_FROM)
    # a quarter of 1.38 is 0.345: 33 of the rare ones, in which five are lighter than their postings
    assert len(many.first) == 33
    assert many.postings == pytest.approx(1.38 * PAYS_FROM)
    assert many.read == pytest.approx(0.33 * PAYS_FROM)
    assert list(many.rest)[:2] == ["0", "1"]


def test_a_plan_tells_its_route_and_what_it_reads() -> None:
    weights, shares = row(*range(40, 0, -1)), np.array([0.5] * 2 + [0.01] * 38)
    assert plan(weights, Steps(window=50), shares, PAYS_FROM).to_json() == {
        "route": "two-step",
        "latents": 40,
        "first_pass_latents": 33,
        "window": 50,
        "postings": round(1.38 * PAYS_FROM),
        "first_pass_postings": round(0.33 * PAYS_FROM),
    }
    assert plan(row(2, 1), Steps()).to_json() == {
        "route": "exact",
        "latents": 2,
        "first_pass_latents": 2,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heaviest": 0}, "heaviest=0: a first pass has at least one latent"),
        ({"window": 0}, "window=0: score 1 to 10000 hits anew"),
        ({"window": 10_001}, "window=10001: score 1 to 10000 hits anew"),
        ({"part": 0.0}, "part=0.0: the share of postings, above 0 and at most 1"),
        ({"part": 1.5}, "part=1.5: the share of postings"),
    ],
)
def test_steps_that_there_are_not_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        two_step(row(1), FIELD, **options)  # type: ignore[arg-type]
