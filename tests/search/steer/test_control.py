"""Steered searches of a real cluster, through the client and the function."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opensearchpy import OpenSearch
from scipy.sparse import csr_array

from splare_os.errors import ModelMismatchError, SteeringError
from splare_os.impacts import as_stored, from_features, stored
from splare_os.index import IngestOptions, ingest
from splare_os.scoring import K1
from splare_os.search import (
    Examples,
    Feedback,
    Reference,
    SearchOptions,
    SplareOpenSearch,
    Steering,
    search,
)
from splare_os.search.steer.control import Control, Moved
from splare_os.search.steer.profiles import VARIABLE
from splare_os.search.weigh.weighing import Queries, Weighing
from tests.hashing import HashEncoder

DOCUMENTS = {
    "d1": "ants carry leaves",
    "d2": "ants carry pollen and leaves",
    "d3": "bees carry pollen",
    "d4": "rivers carry ships",
    "d5": "ships burn oil",
}
ENCODER = HashEncoder()
LATENT = {word: ENCODER.latent(word) for text in DOCUMENTS.values() for word in text.split()}


def row(*values: float) -> csr_array:
    return csr_array(np.array([values], dtype=np.float32))


def test_latents_are_steered_after_they_are_weighed_and_before_they_are_cut() -> None:
    """Weights 2, 3, 1 of idf 4, 1, 0.25: a boost of the last brings it in, before the second."""
    weighing = Weighing(np.array([4.0, 1.0, 0.25]))
    queries = Queries(row(1.0, 3.0, 2.0), top_k=2)
    assert Control().weights(weighing, queries).toarray().tolist() == [[2.0, 3.0, 0.0]]
    boosted = Control(Steering.read("2=2.5")).weights(weighing, queries)
    assert boosted.toarray().tolist() == [[0.0, 3.0, 2.5]]
    muted = Control(Steering.read("-1")).weights(weighing, queries)
    assert muted.toarray().tolist() == [[2.0, 0.0, 1.0]]
    added = Control(Steering.read("+2=1")).weights(weighing, queries)
    assert added.toarray().tolist() == [[0.0, 3.0, 4.0]]


def test_documents_move_a_query_before_latents_are_steered_and_by_their_own_cut() -> None:
    moved = Moved(row(0.0, 0.0, 1.0), csr_array((0, 3)), Feedback(beta=1.0, top_k=3))
    control = Control(Steering.read("-0"), moved)
    found = control.weights(Weighing(), Queries(row(1.0, 1.0, 0.0), top_k=1)).toarray()[0]
    plain = np.array([0.5**0.5, 0.5**0.5, 1.0])
    assert found == pytest.approx(plain * [0, 1, 1] / np.linalg.norm(plain) * 2**0.5)


def test_a_query_leaves_out_each_index_own_documents() -> None:
    places = (("a", "1"), ("a", "2"), ("b", "1"))
    control = Control(moved=Moved(row(1.0), row(1.0), left_out=places))
    assert control.query({"match_all": {}}) == {
        "bool": {
            "must": [{"match_all": {}}],
            "must_not": [
                {"bool": {"filter": [{"term": {"_index": "a"}}, {"ids": {"values": ["1", "2"]}}]}},
                {"bool": {"filter": [{"term": {"_index": "b"}}, {"ids": {"values": ["1"]}}]}},
            ],
        }
    }
    assert Control().query({"match_all": {}}) == {"match_all": {}}


@pytest.fixture
def ants(client: OpenSearch, index: str, write: Any) -> str:
    """An index of the five documents, calibrated; another, `…-plain`, for dot products."""
    lines = [{"_id": name, "text": text} for name, text in DOCUMENTS.items()]
    for name, scoring in ((index, "calibrated"), (f"{index}-plain", "dot")):
        list(ingest(client, ENCODER, [write(lines)], IngestOptions(name, scoring=scoring)))
    return index


def found(client: SplareOpenSearch, index: str, **clause: Any) -> dict[str, float]:
    body = {"query": {"splare": {"text": clause}}}
    reply = client.search(index=index, body=body)
    return {hit["_id"]: hit["_score"] for hit in reply["hits"]["hits"]}


def idf() -> np.ndarray[Any, np.dtype[np.float64]]:
    counts = (ENCODER.encode_documents(list(DOCUMENTS.values())).toarray() > 0).sum(axis=0)
    counts = np.maximum(counts, 1)
    return np.log(1 + (5 - counts + 0.5) / (counts + 0.5))


DIALECTS = ("rank_feature", "neural_sparse")


@pytest.mark.opensearch
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("scoring", ["calibrated", "dot"])
def test_steered_scores_are_those_of_the_formula(
    cluster_url: str, ants: str, dialect: Any, scoring: Any
) -> None:
    """Query "ants pollen": ants × 3, pollen off, oil as heavy as the heaviest before."""
    steer = {
        "boost": {str(LATENT["ants"]): 3},
        "mute": [LATENT["pollen"]],
        "add": {str(LATENT["oil"]): 1.0},
    }
    index = ants if scoring == "calibrated" else f"{ants}-plain"
    with SplareOpenSearch(cluster_url, encoder=ENCODER, dialect=dialect, scoring=scoring) as client:
        scores = found(client, index, query="ants pollen", steer=steer)
    weights = np.zeros(ENCODER.n_latents)
    weighs = np.sqrt(idf()) if scoring == "calibrated" else np.ones(ENCODER.n_latents)
    heaviest = 0.5 * max(weighs[LATENT["ants"]], weighs[LATENT["pollen"]])
    weights[LATENT["ants"]], weights[LATENT["oil"]] = 3 * 0.5 * weighs[LATENT["ants"]], heaviest
    with OpenSearch(cluster_url) as plain:
        source = {
            name: plain.get(index=index, id=name)["_source"]["text_splare"]["impacts"]
            for name in DOCUMENTS
        }
    expected = {
        name: sum(weights[int(latent)] * as_stored(float(x)) for latent, x in impacts.items())
        for name, impacts in source.items()
    }
    assert scores == pytest.approx({n: s for n, s in expected.items() if s}, rel=1e-5)
    assert set(scores) == {"d1", "d2", "d5"}


@pytest.mark.opensearch
def test_a_query_of_which_everything_is_muted_matches_nothing(cluster_url: str, ants: str) -> None:
    muted = {"mute": [LATENT["ants"], LATENT["pollen"]]}
    with SplareOpenSearch(cluster_url, encoder=ENCODER) as client:
        assert found(client, ants, query="ants pollen", steer=muted) == {}


@pytest.mark.opensearch
def test_a_clause_steers_only_itself(cluster_url: str, ants: str) -> None:
    plain = {"splare": {"text": "ants"}}
    steered = {"splare": {"text": {"query": "ants", "steer": {"mute": [LATENT["ants"]]}}}}
    body = [{"index": ants}, {"query": plain}, {"index": ants}, {"query": steered}]
    with SplareOpenSearch(cluster_url, encoder=ENCODER) as client:
        first, second = client.msearch(body=body)["responses"]
    assert [len(one["hits"]["hits"]) for one in (first, second)] == [2, 0]


@pytest.mark.opensearch
def test_profiles_steer_by_name_from_a_file_in_the_environment(
    cluster_url: str, ants: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "steering.json"
    profiles = {"shipping": {"add": {str(LATENT["ships"]): 2.0}}}
    path.write_text(json.dumps({"fingerprint": ENCODER.fingerprint, "profiles": profiles}))
    monkeypatch.setenv(VARIABLE, str(path))
    with SplareOpenSearch(cluster_url, encoder=ENCODER) as client:
        scores = found(client, ants, query="ants", steer="shipping")
        assert list(scores)[:2] in (["d4", "d5"], ["d5", "d4"])
        with pytest.raises(ValueError, match="steer='news': .* known are shipping"):
            found(client, ants, query="ants", steer="news")
        with pytest.raises(ValueError, match="latent 512: the model has latents 0 to 511"):
            found(client, ants, query="ants", steer={"mute": [512]})


def test_a_client_refuses_profiles_of_another_model_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "steering.toml"
    path.write_text('fingerprint = "fedcba9876543210"\n[profiles.a]\nmute = [1]\n')
    with pytest.raises(SteeringError, match="whose latents mean other things"):
        SplareOpenSearch(encoder=ENCODER, steering=path)
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(SteeringError, match="whose latents mean other things"):
        SplareOpenSearch(encoder=ENCODER)
    SplareOpenSearch(encoder=ENCODER, steering={}).close()
    with pytest.raises(SteeringError, match="cannot be read: No such file"):
        SplareOpenSearch(encoder=ENCODER, steering=tmp_path / "none.toml")


@pytest.mark.opensearch
@pytest.mark.parametrize("dialect", DIALECTS)
def test_more_like_a_document_is_a_search_by_its_own_latents(
    cluster_url: str, ants: str, dialect: Any
) -> None:
    with SplareOpenSearch(cluster_url, encoder=ENCODER, dialect=dialect) as client:
        scores = found(client, ants, like={"_id": "d1"})
        assert list(scores)[0] == "d2"
        assert set(scores) == {"d2", "d3", "d4"}
        included = found(client, ants, like={"_id": "d1"}, include=True)
        assert list(included)[0] == "d1"
        assert {name: included[name] for name in scores} == scores
        by_text = found(client, ants, like=DOCUMENTS["d1"])
        assert by_text == pytest.approx(included, rel=1e-5)


@pytest.mark.opensearch
def test_less_like_a_document_lowers_what_is_like_it(cluster_url: str, ants: str) -> None:
    with SplareOpenSearch(cluster_url, encoder=ENCODER) as client:
        plain = found(client, ants, query="ants pollen")
        less = found(client, ants, query="ants pollen", unlike={"_id": "d3"})
        assert list(less) == ["d2", "d1", "d3"]
        assert less["d3"] / less["d1"] < plain["d3"] / plain["d1"]
        gone = found(client, ants, query="ants pollen", unlike=["pollen"], feedback={"gamma": 5.0})
        assert set(gone) == {"d1", "d2"}


@pytest.mark.opensearch
def test_a_contrast_searches_for_what_tells_two_sets_apart(cluster_url: str, ants: str) -> None:
    with SplareOpenSearch(cluster_url, encoder=ENCODER) as client:
        told = {"like": [{"_id": "d1"}, {"_id": "d2"}], "unlike": [{"_id": "d3"}, {"_id": "d4"}]}
        scores = found(client, ants, **told, feedback={"method": "contrast"}, include=True)
    assert set(scores) <= {"d1", "d2", "d3"}  # carry is in all of them, pollen in one of each
    assert {"d1", "d2"} <= set(scores)


@pytest.mark.opensearch
@pytest.mark.parametrize("kind", ["", "-plain"])
def test_moved_scores_are_those_of_the_formula(cluster_url: str, ants: str, kind: str) -> None:
    """Calibrated search of both kinds of index: of the plain one the cluster saturates."""
    index = ants + kind
    with OpenSearch(cluster_url) as plain:
        source = [
            plain.get(index=index, id=name)["_source"]["text_splare"]["impacts"]
            for name in DOCUMENTS
        ]
    documents = stored(from_features(source, ENCODER.n_latents)).toarray().astype(np.float64)
    if index != ants:
        documents = np.where(documents > 0, documents * (K1 + 1) / (documents + K1), 0)
    query = ENCODER.encode_queries(["ants pollen"]).toarray()[0] * np.sqrt(idf())
    liked, disliked = documents[3] * np.sqrt(idf()), documents[0] * np.sqrt(idf())
    units = [vector / np.linalg.norm(vector) for vector in (query, liked, disliked)]
    moved = (units[0] + 2.0 * units[1] - 0.15 * units[2]).clip(min=0)
    weights = moved / np.linalg.norm(moved) * np.linalg.norm(query)
    expected = dict(zip(DOCUMENTS, documents @ weights, strict=True))
    del expected["d4"]
    with SplareOpenSearch(cluster_url, encoder=ENCODER) as client:
        scores = found(client, index, query="ants pollen", like={"_id": "d4"}, unlike={"_id": "d1"})
    assert scores == pytest.approx(expected, rel=1e-4)


@pytest.mark.opensearch
def test_examples_of_another_model_are_refused(
    cluster_url: str, client: OpenSearch, ants: str, write: Any
) -> None:
    other = HashEncoder(fingerprint="fedcba9876543210")
    lines = [{"_id": "d1", "text": "ants"}]
    list(ingest(client, other, [write(lines)], IngestOptions(f"{ants}-other")))
    with SplareOpenSearch(cluster_url, encoder=ENCODER) as ours:
        with pytest.raises(ModelMismatchError, match="fingerprint fedcba9876543210"):
            found(ours, ants, like={"_id": "d1", "_index": f"{ants}-other"})
        with pytest.raises(SteeringError, match="no document 'd9' in the indices"):
            found(ours, ants, like={"_id": "d9"})


@pytest.mark.opensearch
def test_the_function_steers_as_the_client_does(
    cluster_url: str, client: OpenSearch, ants: str
) -> None:
    steering = Steering(mute=(LATENT["pollen"],), add=((LATENT["oil"], 0.5),))
    examples = Examples(like=(Reference("d3"),), unlike=("ants",))
    options = SearchOptions(steer=steering, examples=examples, explain=True)
    hits = search(client, ENCODER, ants, "ants pollen", options)
    content = {"mute": [LATENT["pollen"]], "add": {str(LATENT["oil"]): 0.5}}
    with SplareOpenSearch(cluster_url, encoder=ENCODER) as ours:
        expected = found(
            ours, ants, query="ants pollen", steer=content, like={"_id": "d3"}, unlike="ants"
        )
    assert {hit.id: hit.score for hit in hits} == pytest.approx(expected, rel=1e-6)
    for hit in hits:
        assert sum(match.score for match in hit.matches) == pytest.approx(hit.score, rel=1e-5)
    two_step = search(
        client, ENCODER, ants, "ants", SearchOptions(two_step=True, examples=examples)
    )
    assert "d3" not in {hit.id for hit in two_step}


@pytest.mark.opensearch
def test_documents_with_a_latent_are_demoted_by_a_boosting_query(
    cluster_url: str, ants: str
) -> None:
    """As docs/steering.md advises."""
    clause = {"splare": {"text": "ants carry"}}
    negative = {"term": {"text_splare.latents": str(LATENT["pollen"])}}
    body = {
        "query": {"boosting": {"positive": clause, "negative": negative, "negative_boost": 0.5}}
    }
    with SplareOpenSearch(cluster_url, encoder=ENCODER) as client:
        reply = client.search(index=ants, body=body)
        plain = found(client, ants, query="ants carry")
    demoted = {hit["_id"]: hit["_score"] for hit in reply["hits"]["hits"]}
    halved = {name: plain[name] / (2 if name in ("d2", "d3") else 1) for name in plain}
    assert demoted == pytest.approx(halved, rel=1e-5)
