from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.cli.comparison import QUERIES, compare, index_sample
from tests.models import build_tiny

pytestmark = pytest.mark.opensearch


def test_the_sample_is_indexed_whole_and_searched_both_ways(
    client: OpenSearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    encoder = build_tiny(tmp_path / "bert", n_latents=32, window=128)
    encoder.save(tmp_path / "model")
    for expected in ("indexed", "unchanged"):
        for run in index_sample(client, encoder):
            assert {outcome.status for outcome in run} == {expected}
            assert run.counts[expected] == 2067
    found = compare(client, encoder, QUERIES[0])
    assert [len(found.bm25), len(found.latents)] == [3, 3]
    assert found.latents[0].matches
    assert found.bm25[0].source["title"] == "Chloroplast"
