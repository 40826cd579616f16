import numpy as np
import pytest
from opensearchpy import OpenSearch
from scipy.sparse import csr_array

from splare_os.search import translate, two_step

FIELD = "text_splare.impacts"


def row(*values: float) -> csr_array:
    return csr_array(np.array([values], dtype=np.float32))


def test_each_latent_becomes_a_linear_clause_heaviest_first() -> None:
    assert translate(row(0, 0.5, 2), FIELD) == {
        "bool": {
            "should": [
                {"rank_feature": {"field": f"{FIELD}.2", "boost": 2.0, "linear": {}}},
                {"rank_feature": {"field": f"{FIELD}.1", "boost": 0.5, "linear": {}}},
            ]
        }
    }


def test_plain_impacts_are_saturated_by_the_servers_own_function() -> None:
    (clause,) = translate(row(0, 0.5), FIELD, k1=2.0, boost=4.0)["bool"]["should"]
    pivot = {"field": f"{FIELD}.1", "boost": 6.0, "saturation": {"pivot": 2.0}}
    assert clause == {"rank_feature": pivot}
    both = two_step(row(3, 1), FIELD, heaviest=1, k1=2.0)
    assert "saturation" in both["query"]["bool"]["should"][0]["rank_feature"]
    rest = both["rescore"]["query"]["rescore_query"]["bool"]["should"]
    assert "saturation" in rest[0]["rank_feature"]


def test_neural_sparse_takes_raw_tokens() -> None:
    assert translate(row(0, 0.5, 2), FIELD, dialect="neural_sparse", boost=3.0) == {
        "neural_sparse": {FIELD: {"query_tokens": {"2": 6.0, "1": 1.5}, "boost": 1.0}}
    }


def test_neural_sparse_weights_over_64_are_scaled_by_a_power_of_two_and_boosted_back() -> None:
    clause = translate(row(200, 1), FIELD, dialect="neural_sparse")["neural_sparse"][FIELD]
    assert clause == {"query_tokens": {"0": 50.0, "1": 0.25}, "boost": 4.0}


def test_boost_multiplies_every_impact() -> None:
    clauses = translate(row(1, 2), FIELD, boost=10)["bool"]["should"]
    assert [clause["rank_feature"]["boost"] for clause in clauses] == [20.0, 10.0]


def test_min_score_wraps_the_clause() -> None:
    wrapped = translate(row(1), FIELD, min_score=0.5)
    inner = translate(row(1), FIELD)
    assert wrapped == {"function_score": {"query": inner, "min_score": 0.5}}


def test_a_query_without_impacts_matches_nothing() -> None:
    assert translate(row(0, 0), FIELD) == {"match_none": {}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dialect": "sql"}, "dialect='sql': choose one of rank_feature, neural_sparse"),
        ({"boost": -1.0}, "boost=-1.0: must be a finite number of at least 0"),
        ({"boost": float("inf")}, "boost=inf"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        translate(row(1), FIELD, **options)


def test_one_query_at_a_time() -> None:
    with pytest.raises(ValueError, match="impacts have 2 rows"):
        translate(csr_array(np.eye(2, dtype=np.float32)), FIELD)


def test_a_filter_leaves_scores_and_goes_below_the_least_score() -> None:
    only = {"term": {"lang": "en"}}
    for dialect in ("rank_feature", "neural_sparse"):
        plain = translate(row(0, 2), FIELD, dialect=dialect)
        inner = {"bool": {"must": [plain], "filter": [only]}}
        assert translate(row(0, 2), FIELD, dialect=dialect, filter=only) == inner
        least = translate(row(0, 2), FIELD, dialect=dialect, filter=only, min_score=1.0)
        assert least == {"function_score": {"query": inner, "min_score": 1.0}}


def test_weights_that_scores_cannot_hold_are_refused() -> None:
    with pytest.raises(ValueError, match=r"boost=1e\+38: a latent's weight would be 3e\+38"):
        translate(row(3), FIELD, boost=1e38)
    translate(row(3), FIELD, boost=1e29)


def test_weights_that_vanish_beside_others_are_left_out() -> None:
    clause = translate(row(1e28, 1e-20), FIELD, dialect="neural_sparse")["neural_sparse"][FIELD]
    assert list(clause["query_tokens"]) == ["0"]


@pytest.fixture
def random_impacts(client: OpenSearch, index: str) -> str:
    """An index of 200 documents of 30 random impacts each."""
    rng = np.random.default_rng(1)
    properties = {"v": {"properties": {"impacts": {"type": "rank_features"}}}}
    client.indices.create(index=index, body={"mappings": {"properties": properties}})
    lines: list[dict[str, object]] = []
    for number in range(200):
        latents = rng.choice(60, 30, replace=False)
        values = np.exp(rng.normal(0, 1, 30)).astype(np.float32)
        impacts = {str(one): float(value) for one, value in zip(latents, values, strict=True)}
        document = {"v": {"impacts": impacts}, "even": number % 2 == 0}
        lines += [{"index": {"_id": str(number)}}, document]
    client.bulk(index=index, body=lines, params={"refresh": "true"})
    return index


@pytest.mark.opensearch
@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0, 1e4, 1e12])
@pytest.mark.parametrize("boost", [1.0, 0.3, 0])
@pytest.mark.parametrize("only", [None, {"term": {"even": True}}])
def test_both_dialects_score_alike_to_the_bit_whatever_the_weights(
    client: OpenSearch,
    random_impacts: str,
    scale: float,
    boost: float,
    only: dict[str, object] | None,
) -> None:
    rng = np.random.default_rng(2)
    for _ in range(5):
        values = np.where(rng.random(60) < 0.6, np.exp(rng.normal(0, 2, 60)) * scale, 0)
        found = []
        for dialect in ("rank_feature", "neural_sparse"):
            clause = translate(row(*values), "v.impacts", dialect=dialect, boost=boost, filter=only)
            body = {"query": clause, "size": 200, "_source": False}
            hits = client.search(index=random_impacts, body=body)["hits"]["hits"]
            found.append([(hit["_id"], np.float32(hit["_score"])) for hit in hits])
        assert found[0] == found[1]
        assert len(found[0]) == (100 if only else 200)
