"""Figures of encoders on folders in BEIR form."""

from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

from opensearchpy import OpenSearch

from splare_os.encoder import Encoder
from splare_os.evaluate import Comparison, EvaluateOptions, Result, evaluate, mean_results


def use(client: OpenSearch, encoder: Encoder) -> None:
    options = EvaluateOptions(
        systems=("bm25", "mini"), top_k=(100, "25%"), runs=Path("runs"), per_query="queries.jsonl"
    )
    results = evaluate(["scifact", Path("npl")], [encoder], client, options)
    assert_type(results, Iterator[Result])
    for result in evaluate(["scifact"], [encoder], options=EvaluateOptions(in_memory=True)):
        assert_type(result.figures, dict[str, float])
        assert_type(result.versus, Comparison | None)


def misuse(client: OpenSearch, encoder: Encoder, results: list[Result]) -> None:
    EvaluateOptions(systems=["bm25"])  # type: ignore[arg-type]
    EvaluateOptions(top_k=100)  # type: ignore[arg-type]
    EvaluateOptions(in_memory=True).in_memory = False  # type: ignore[misc]
    evaluate(["scifact"], encoder, client)  # type: ignore[arg-type]
    evaluate(Path("scifact"), [encoder])  # type: ignore[arg-type]
    mean_results(results[0])  # type: ignore[arg-type]
