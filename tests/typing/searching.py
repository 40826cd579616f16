"""A query to a clause, a drop-in client, and a search as a function."""

from collections.abc import Mapping
from typing import Any, assert_type

from splare_os.encoder import Encoder
from splare_os.impacts import Impacts
from splare_os.search import (
    Contrast,
    ContrastOptions,
    Hit,
    Labels,
    Match,
    SearchOptions,
    SplareOpenSearch,
    contrast,
    explain,
    search,
    translate,
    two_step,
)


def use(encoder: Encoder, impacts: Impacts) -> None:
    clause = translate(impacts, "text_splare.impacts", dialect="neural_sparse", min_score=1.0)
    assert_type(clause, dict[str, Any])
    assert_type(two_step(impacts, "text_splare.impacts", window=100), dict[str, Any])
    with SplareOpenSearch("http://localhost:9200", encoder=encoder, timeout=60) as client:
        reply = client.search(index="facts", body={"query": {"splare": {"text": "oil"}}})
        assert_type(reply, Any)
        hits = search(client, encoder, "facts", "oil", SearchOptions(size=3, explain=True))
        sets = "text:oil", ["d1", "d2"]
        options = ContrastOptions(size=5, overlap="drop")
        labels = Labels.of(client, encoder)
        found = contrast(client, encoder, "facts", sets, options, labels=labels)
    assert_type(found, Contrast)
    assert_type(found.latents[0].label, str | None)
    assert_type(hits, list[Hit])
    assert_type(hits[0].source, Mapping[str, Any])
    assert_type(hits[0].matches, list[Match])


def misuse(client: SplareOpenSearch, encoder: Encoder, impacts: Impacts) -> None:
    translate(impacts, "text_splare.impacts", dialect="dense")  # type: ignore[arg-type]
    translate(impacts, "text_splare.impacts", "rank_feature")  # type: ignore[call-arg]
    translate({"7": 1.0}, "text_splare.impacts")  # type: ignore[arg-type]
    SplareOpenSearch("http://localhost:9200", encoder=5)  # type: ignore[arg-type]
    SplareOpenSearch("http://localhost:9200", encoder)  # type: ignore[arg-type]
    search(client, encoder, "facts", "oil")  # type: ignore[call-arg]
    search(client, encoder, "facts", ["oil"], SearchOptions())  # type: ignore[arg-type]
    explain(impacts, ["7"])  # type: ignore[arg-type]
