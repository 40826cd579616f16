import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import control
from splare_os.search import Match


def match(share: float, query: str, document: str) -> Match:
    return Match(7, 1.0, share, share, query, document, share, (0, 1), (0, 1))


FOUND = [
    (
        "embargo of petroleum",
        "embargoes on the petroleum trade",
        [match(0.6, "embargo", "embargoes"), match(0.4, "of", "trade")],
    ),
    ("cold winter", "warm summers", [match(1.0, "winter", "summers")]),
]


def test_spread_and_agreement_are_those_counted_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = {"winter": np.array([1.0, 0.0]), "summers": np.array([0.6, 0.8])}
    monkeypatch.setattr(control, "vector", vectors.__getitem__)
    assert control.spread(FOUND) == {
        "latents shared": 1.5,
        "share of the heaviest": 0.8,
        "share of the five heaviest": 1.0,
    }
    assert control.agreement(FOUND) == {
        "score from the same word": 0.3,  # 0.6 and 0
        "heaviest: same word": 0.5,
        "heaviest: related of the rest": 1.0,
        "by chance": 1.0,  # the only pair is shuffled into itself
        "marked words that BM25 matches": 0.25,  # embargo of embargo and trade; none of summer
        "words that BM25 matches marked": 0.5,  # embargo, not petroleum; the other has none
    }


def test_a_sample_has_all_that_is_relevant_and_others(tmp_path: Path) -> None:
    lines = [json.dumps({"_id": f"d{n}", "text": f"text {n}"}) for n in range(20)]
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines))
    (tmp_path / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "query"}))
    (tmp_path / "qrels.tsv").write_text("q\td3\t1\nq\td4\t0\nq\td9\t1\n")
    sample = control.read_sample(tmp_path, 5)
    assert sample.ids[:2] == ["d3", "d9"]
    assert len(set(sample.ids)) == 5
    assert sample.texts[1] == "text 9"
    assert sample.relevant == [("q", 0), ("q", 1)]
    assert [query for query, _ in sample.others] == ["q", "q"]
