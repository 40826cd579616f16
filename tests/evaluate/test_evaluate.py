import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from opensearchpy import OpenSearch

from splare_os.errors import EncoderError, EvaluationError
from splare_os.evaluate import EvaluateOptions, Result, evaluate
from splare_os.evaluate.dense import PACKAGE
from splare_os.evaluate.runs import fuse_runs
from splare_os.scoring import Scoring
from splare_os.search import SplareOpenSearch
from splare_os.search.fusion.fusion import WEIGHTED
from splare_os.statistics import Statistics
from tests.evaluate.by_hand import ONCE, TWICE, asked, kept
from tests.evaluate.folders import CORPUS, save_folder, write
from tests.hashing import HashEncoder
from tests.models import build_tiny

SPARSE = EvaluateOptions(systems=("bm25", "hash", "hybrid"))
MEMORY = EvaluateOptions(systems=("hash",), in_memory=True)
WORDS = ["oil", "crisis", "price", "war", "embargo", "river"]


@pytest.fixture
def nowhere() -> Iterator[OpenSearch]:
    """A client of a cluster that is not there."""
    with OpenSearch("http://127.0.0.1:9") as opensearch:
        yield opensearch


def by_system(results: Iterator[Result]) -> dict[str, Result]:
    return {result.label: result for result in results}


@pytest.mark.opensearch
@pytest.mark.usefixtures("index")
def test_each_system_gets_the_figures_counted_by_hand(
    folder: Path, client: OpenSearch, encoder: HashEncoder
) -> None:
    options = replace(SPARSE, systems=("bm25", "hash-dot", "hash", "hybrid"))
    found = by_system(evaluate([folder], [encoder], client, options))
    assert list(found) == ["bm25", "hash-dot", "hash", "hybrid"]
    bm25 = found["bm25"]
    assert list(bm25.run["q2"]) == ["d3"]  # "car" finds "Cars"
    line = bm25.to_json()
    assert {"index_bytes", "latency_p50_ms", "latency_p95_ms"} == line.keys() - {
        *("dataset", "system", "queries"),
        *bm25.figures,
    }
    assert bm25.figures == dict.fromkeys(bm25.figures, 1.0)
    # whole words only: no hit for "car"; d4 has "water" twice, 2 × 0.5 × 0.5
    dot, calibrated = found["hash-dot"], found["hash"]
    assert dot.run == {"q3": {"d4": 0.5, "d2": 0.25}, "q1": {"d1": 0.5}, "q2": {}}
    # of four documents two have "water", one "price" and one "oil"
    water = asked(0.5, documents=4, having=2)
    rare = asked(0.5, documents=4, having=1)
    by_hand = {
        "q3": {"d4": water * kept(TWICE), "d2": water * kept(ONCE)},
        "q1": {"d1": rare * kept(ONCE) + rare * kept(ONCE)},
        "q2": {},
    }
    assert calibrated.run.keys() == by_hand.keys()
    for query, hits in by_hand.items():
        assert calibrated.run[query] == pytest.approx(hits, rel=1e-6)
    for latent in (dot, calibrated):
        assert latent.figures == pytest.approx(dict.fromkeys(bm25.figures, 2 / 3))
        # queries: water · price of oil · car; documents: 5, 6, 5 and 5 words, of which water
        # twice, price once, oil once
        assert latent.costs["query_latents"] == pytest.approx(5 / 3)
        assert latent.costs["document_latents"] == pytest.approx(21 / 4)
        assert latent.costs["flops"] == pytest.approx((2 + 1 + 1) / 12)
        assert latent.costs["index_bytes"] > 0
        versus = latent.versus
        assert versus is not None
        assert (versus.baseline, versus.wins, versus.ties, versus.losses) == ("bm25", 0, 2, 1)


@pytest.mark.opensearch
@pytest.mark.parametrize(("system", "scoring"), [("hash", "calibrated"), ("hash-dot", "dot")])
def test_what_is_measured_is_what_a_search_of_that_index_finds(
    system: str,
    scoring: Scoring,
    folder: Path,
    cluster_url: str,
    encoder: HashEncoder,
    indices: dict[Scoring, str],
) -> None:
    with SplareOpenSearch(cluster_url, encoder=encoder, scoring=scoring) as client:
        (measured,) = evaluate([folder], [encoder], client, EvaluateOptions(systems=(system,)))
        for query, text in (("q1", "price of oil"), ("q2", "car"), ("q3", "water")):
            body = {"query": {"splare": {"text": text}}}
            hits = client.search(index=indices[scoring], body=body)["hits"]["hits"]
            found = {hit["_id"]: hit["_score"] for hit in hits}
            assert found == pytest.approx(measured.run[query], rel=1e-6)


@pytest.mark.opensearch
@pytest.mark.usefixtures("index")
def test_hybrid_is_the_fusion_of_the_two_also_on_its_own(
    folder: Path, client: OpenSearch, encoder: HashEncoder
) -> None:
    found = by_system(evaluate([folder], [encoder], client, SPARSE))
    (alone,) = evaluate([folder], [encoder], client, EvaluateOptions(systems=("hybrid",)))
    both = [found[one].run for one in ("bm25", "hash")]
    assert alone.run == found["hybrid"].run == fuse_runs(both)
    options = EvaluateOptions(systems=("hybrid-hash", "weighted"), in_memory=True)
    runs = [one.run for one in evaluate([folder], [encoder], client, options)]
    assert runs == [fuse_runs(both), fuse_runs(both, WEIGHTED)]


@pytest.mark.opensearch
@pytest.mark.usefixtures("index")
def test_each_cut_has_a_hybrid_of_its_own(
    folder: Path, client: OpenSearch, encoder: HashEncoder
) -> None:
    systems = ("bm25", "hash", "hybrid")
    options = EvaluateOptions(systems, in_memory=True, top_k=(1, 400))
    found = by_system(evaluate([folder], [encoder], client, options))
    for cut in (1, 400):
        fused = fuse_runs([found["bm25"].run, found[f"hash@{cut}"].run])
        assert found[f"hybrid@{cut}"].run == fused
    assert found["hybrid@1"].run != found["hybrid@400"].run


def test_names_that_would_share_a_file_of_runs_are_refused(folder: Path, tmp_path: Path) -> None:
    one, other = HashEncoder(), HashEncoder()
    one.name, other.name = "a/b", "a-b"
    options = EvaluateOptions(("a/b", "a-b"), in_memory=True, runs=tmp_path / "runs")
    with pytest.raises(ValueError, match="the runs of system 'a-b' and 'a/b' would be one file"):
        evaluate([folder], [one, other], None, options)


@pytest.mark.opensearch
@pytest.mark.parametrize("system", ["tiny", "tiny-dot"])
def test_memory_and_cluster_agree_also_on_cuts(
    system: str, tmp_path: Path, client: OpenSearch
) -> None:
    texts = [
        " ".join((WORDS * 3)[n % 5 : 3 + n % 5 + n % 7]) + f" {chr(97 + n % 26)}" for n in range(60)
    ]
    folder = tmp_path / "sixty"
    write(folder / "corpus.jsonl", [{"_id": f"d{n}", "text": text} for n, text in enumerate(texts)])
    queries = [{"_id": f"q{n}", "text": " ".join(WORDS[n : n + 3])} for n in range(5)]
    write(folder / "queries.jsonl", queries)
    (folder / "qrels.tsv").write_text("".join(f"q{n}\td{n}\t1\n" for n in range(5)))
    tiny = build_tiny(tmp_path / "bert")
    tiny.save(tmp_path / "tiny")
    tiny.prior = Statistics(50, np.arange(300) % 50, 500.0)  # with it, lengths count
    options = {"systems": (system,), "top_k": (5, 30), "keep": False}
    cluster = list(evaluate([folder], [tiny], client, EvaluateOptions(**options)))
    memory = list(evaluate([folder], [tiny], None, EvaluateOptions(**options, in_memory=True)))
    assert [result.top_k for result in cluster] == [result.top_k for result in memory] == [5, 30]
    for one, other in zip(cluster, memory, strict=True):
        assert one.run.keys() == other.run.keys()
        for query, hits in one.run.items():
            assert len(hits) > 10
            assert list(hits)[:10] == list(other.run[query])[:10]
            assert hits == pytest.approx(other.run[query], rel=1e-6)
        assert one.costs["document_latents"] == other.costs["document_latents"] <= one.top_k
        assert "latency_p50_ms" not in other.costs
    assert cluster[0].costs["index_bytes"] < cluster[1].costs["index_bytes"]


@pytest.mark.opensearch
def test_a_query_is_no_answer_to_itself(
    folder: Path, client: OpenSearch, encoder: HashEncoder
) -> None:
    write(folder / "corpus.jsonl", [*CORPUS, {"_id": "q3", "title": "", "text": "water"}])
    options = EvaluateOptions(systems=("bm25", "hash"), keep=False)
    for result in evaluate([folder], [encoder], client, options):
        assert set(result.run["q3"]) == {"d2", "d4"}


@pytest.mark.opensearch
@pytest.mark.usefixtures("index")
def test_bm25_alone_encodes_nothing(folder: Path, client: OpenSearch, encoder: HashEncoder) -> None:
    (result,) = evaluate([folder], [encoder], client, EvaluateOptions(systems=("bm25",)))
    assert result.analyzer is None
    write(folder / "corpus.jsonl", [{"_id": "d1", "text": "Das ist der Preis von dem Auto"}])
    (german,) = evaluate([folder], [], client, EvaluateOptions(systems=("bm25",), keep=False))
    assert german.analyzer == "german"
    assert result.figures["ndcg@10"] == 1.0
    assert encoder.batches == []


@pytest.mark.opensearch
def test_memory_and_cluster_share_what_was_encoded(
    folder: Path, client: OpenSearch, encoder: HashEncoder
) -> None:
    list(evaluate([folder], [encoder], None, MEMORY))
    assert sorted(encoder.batches) == [3, 4]  # queries, documents
    encoder.batches.clear()
    list(evaluate([folder], [encoder], client, EvaluateOptions(systems=("hash",), keep=False)))
    assert encoder.batches == [3]


def test_models_side_by_side_need_no_cluster_and_are_encoded_once(folder: Path) -> None:
    one, other = HashEncoder(), HashEncoder(n_latents=1 << 16, fingerprint="f" * 16)
    options = EvaluateOptions(
        ("hash", "hash-2-dot", "hash-2"), in_memory=True, top_k=(1, 2, 400), cache=False
    )
    found = by_system(evaluate([folder], [one, other], None, options))
    assert list(found) == [
        *("hash@1", "hash@2", "hash@400"),
        *("hash-2-dot@1", "hash-2-dot@2", "hash-2-dot@400"),
        *("hash-2@1", "hash-2@2", "hash-2@400"),
    ]
    assert sorted(one.batches) == [3, 4]
    assert sorted(other.batches) == [3, 3, 4]  # the documents serve both scorings
    assert found["hash-2-dot@1"].run["q3"] == found["hash-2@1"].run["q3"] == {}
    assert found["hash-2-dot@2"].run["q3"] == {"d4": 0.5}  # its impacts are "and" and "water"
    assert found["hash-2-dot@400"].run["q3"] == {"d4": 0.5, "d2": 0.25}
    # the cut leaves "water" to one of the four documents, so there it weighs more
    rare, common = (asked(0.5, documents=4, having=having) for having in (1, 2))
    in_two = {"d4": common * kept(TWICE), "d2": common * kept(ONCE)}
    assert found["hash-2@2"].run["q3"] == pytest.approx({"d4": rare * kept(TWICE)}, rel=1e-6)
    assert found["hash-2@400"].run["q3"] == pytest.approx(in_two, rel=1e-6)
    assert found["hash-2@1"].costs["document_latents"] == 1.0
    assert found["hash-2@400"].versus.baseline == "hash"


def test_a_share_is_of_the_mean_number_of_latents(folder: Path) -> None:
    options = EvaluateOptions(("hash",), in_memory=True, top_k=(400, "50%"), cache=False)
    whole, half = evaluate([folder], [HashEncoder()], None, options)
    assert half.label == "hash@50%"
    wanted = round(whole.costs["document_latents"] / 2)
    options = EvaluateOptions(("hash",), in_memory=True, top_k=(wanted,), cache=False)
    (same,) = evaluate([folder], [HashEncoder()], None, options)
    assert half.run == same.run
    assert half.to_json() | {"top_k": wanted} == same.to_json()


def test_several_folders_end_with_their_means(folder: Path, tmp_path: Path) -> None:
    other = save_folder(tmp_path / "b")
    (other / "qrels" / "test.tsv").write_text("q2\td3\t1\n")  # "car" finds nothing
    encoder = HashEncoder(1 << 16)
    first, second, mean = evaluate([folder, other], [encoder], None, MEMORY)
    assert [first.figures["mrr@10"], second.figures["mrr@10"]] == pytest.approx([2 / 3, 0])
    assert mean.to_json()["dataset"] == "mean"
    assert mean.figures["mrr@10"] == pytest.approx(1 / 3)
    assert mean.costs["query_latents"] == pytest.approx((5 / 3 + 1) / 2)


def test_runs_and_queries_are_saved(folder: Path, tmp_path: Path, encoder: HashEncoder) -> None:
    runs, per_query = tmp_path / "runs", tmp_path / "queries.jsonl"
    systems = ("hash-dot", "hash")
    options = EvaluateOptions(systems, in_memory=True, runs=runs, per_query=str(per_query))
    list(evaluate([folder], [encoder], None, options))
    dot = (runs / "tiny.hash-dot.trec").read_text().splitlines()
    assert dot[1] == "q3 Q0 d2 2 0.25 hash-dot"
    *places, score, tag = (runs / "tiny.hash.trec").read_text().splitlines()[1].split()
    assert (places, tag) == (["q3", "Q0", "d2", "2"], "hash")
    assert float(score) == pytest.approx(asked(0.5, documents=4, having=2) * kept(ONCE), rel=1e-6)
    lines = [json.loads(line) for line in per_query.read_text().splitlines()]
    assert [line["system"] for line in lines] == ["hash-dot"] * 3 + ["hash"] * 3
    figures = [("q3", 1), ("q1", 1), ("q2", 0)]
    assert [(line["query"], line["mrr@10"]) for line in lines] == figures * 2


def test_dense_alone_needs_no_cluster(folder: Path, encoder: HashEncoder) -> None:
    pytest.importorskip(PACKAGE)
    (result,) = evaluate([folder], [encoder], None, EvaluateOptions(("dense",), queries=2))
    assert result.queries == 2
    assert result.figures["recall@100"] == 1.0
    assert encoder.batches == []


def test_what_is_wrong_is_known_before_the_first_result(
    folder: Path, tmp_path: Path, encoder: HashEncoder, nowhere: OpenSearch
) -> None:
    with pytest.raises(EvaluationError, match="has no corpus"):
        evaluate([folder, tmp_path], [encoder], nowhere, SPARSE)
    with pytest.raises(EncoderError, match="the dense model"):
        evaluate([folder], [encoder], nowhere, EvaluateOptions(dense_model=str(tmp_path)))
    with pytest.raises(ValueError, match="systems bm25, hash, hybrid need OpenSearch: hand over"):
        evaluate([folder], [encoder], None, SPARSE)
    with pytest.raises(ValueError, match="baseline 'bm25' is not evaluated: choose from hash"):
        evaluate([folder], [encoder], None, EvaluateOptions(("hash",), baseline="bm25"))
    named_mean = save_folder(tmp_path / "mean")
    with pytest.raises(ValueError, match="'mean' stands for the mean of data sets: rename it"):
        evaluate([named_mean], [encoder], None, MEMORY)
    write(folder / "corpus.jsonl", [*CORPUS, {"_id": "a b", "text": ""}])
    with pytest.raises(EvaluationError, match="the id 'a b' has white space"):
        evaluate([folder], [encoder], nowhere, EvaluateOptions(("hash",), runs=tmp_path))


def test_options_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="top_k=0: keep 1 to 32767 latents a document"):
        EvaluateOptions(top_k=(100, 0))
    with pytest.raises(ValueError, match="name each cut once"):
        EvaluateOptions(top_k=(100, 100))
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="it is no folder"):
        EvaluateOptions(runs=tmp_path / "file")
    with pytest.raises(ValueError, match="there is no such folder"):
        EvaluateOptions(per_query=tmp_path / "none" / "file")
